package berthtest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// Answer is what Invoke answered.
type Answer struct {
	Status        int
	RequestID     string
	Payload       string
	FunctionError string // "Unhandled", or ""
	LogTail       string // of InvokeWithLog
}

// Invoke calls a function by Lambda's API, for a tenant or, with "", for none.
func (b *Berth) Invoke(function, tenantID, payload string) Answer {
	b.t.Helper()
	return b.invoke(function, tenantID, payload, "None")
}

// InvokeWithLog is Invoke with the end of the invocation's log. It waits for the
// end of the invocation, not only for the answer.
func (b *Berth) InvokeWithLog(function, tenantID, payload string) Answer {
	b.t.Helper()
	return b.invoke(function, tenantID, payload, "Tail")
}

func (b *Berth) invoke(function, tenantID, payload, logType string) Answer {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost,
		b.Service+"/2015-03-31/functions/"+function+"/invocations", strings.NewReader(payload))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("X-Amz-Log-Type", logType)
	if tenantID != "" {
		request.Header.Set("X-Amz-Tenant-Id", tenantID)
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	body := b.body(r)
	tail, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Amz-Log-Result"))
	if err != nil {
		b.t.Fatalf("the log's tail: %v", err)
	}
	return Answer{
		Status:        r.StatusCode,
		RequestID:     r.Header.Get("X-Amzn-Requestid"),
		Payload:       body,
		FunctionError: r.Header.Get("X-Amz-Function-Error"),
		LogTail:       string(tail),
	}
}

// Call is Invoke for a function that is expected to answer, with a value that
// answer is read into.
func (b *Berth) Call(function, tenantID, payload string, answer any) {
	b.t.Helper()
	a := b.InvokeWithLog(function, tenantID, payload)
	if a.Status != http.StatusOK || a.FunctionError != "" {
		b.t.Fatalf("invoke %s: %d %s\n%s", function, a.Status, a.Payload, a.LogTail)
	}
	if err := json.Unmarshal([]byte(a.Payload), answer); err != nil {
		b.t.Fatalf("invoke %s: %v in %s", function, err, a.Payload)
	}
}

// Response is an HTTP response that was read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request to the template's first API. path begins with the stage,
// if there is one; header is "Name: value" pairs.
func (b *Berth) Do(method, path, body string, header ...string) Response {
	b.t.Helper()
	if len(b.Gateways) == 0 {
		b.t.Fatal("the template has no API")
	}
	return b.DoURL(method, b.Gateways[0]+path, body, header...)
}

// DoURL sends a request to a URL.
func (b *Berth) DoURL(method, url, body string, header ...string) Response {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, h := range header {
		if name, value, _ := strings.Cut(h, ": "); value != "" {
			request.Header.Add(name, value)
		}
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	return Response{Status: r.StatusCode, Header: r.Header, Body: b.body(r)}
}

// Arrival is a line of a response, and when it came.
type Arrival struct {
	Line  string        // without its end
	After time.Duration // since the response's head
}

// Watch asks the template's first door by GET, and reads the response as it
// comes. Its Body is left empty.
func (b *Berth) Watch(path string) (Response, []Arrival) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.Gateways[0]+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	begin := time.Now()
	var all []Arrival
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		all = append(all, Arrival{lines.Text(), time.Since(begin)})
	}
	if err := lines.Err(); err != nil {
		b.t.Fatal(err)
	}
	return Response{Status: r.StatusCode, Header: r.Header}, all
}

func (b *Berth) body(r *http.Response) string {
	b.t.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(body)
}
