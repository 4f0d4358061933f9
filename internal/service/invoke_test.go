package service

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
)

const (
	counterPath = "/2015-03-31/functions/counter/invocations"
	anID        = "0f8fad5b-d9cb-469f-a165-70867728950e"
)

func post(path, body string, header map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

func do(s http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// What reaches the invoker.
// Source: AWS Lambda API reference, Invoke, URI request parameters and headers.
func TestInvokeRequest(t *testing.T) {
	arn := "arn:aws:lambda:us-east-1:123456789012:function:counter"
	tests := []struct {
		name   string
		path   string
		header map[string]string
		body   string
		want   invocation.Request
	}{
		{name: "a name", path: counterPath, body: `{"n":1}`,
			want: invocation.Request{Function: "counter", Payload: []byte(`{"n":1}`)}},
		{name: "no payload", path: counterPath, want: invocation.Request{Function: "counter"}},
		{name: "an ARN as it is", path: "/2015-03-31/functions/" + arn + "/invocations",
			want: invocation.Request{Function: arn}},
		{name: "an ARN percent-encoded", path: "/2015-03-31/functions/" + strings.ReplaceAll(arn, ":", "%3A") + "/invocations",
			want: invocation.Request{Function: arn}},
		{name: "an ARN with $LATEST percent-encoded", path: "/2015-03-31/functions/" + arn + "%3A%24LATEST/invocations",
			want: invocation.Request{Function: arn + ":$LATEST"}},
		{name: "a partial ARN", path: "/2015-03-31/functions/123456789012:function:counter/invocations",
			want: invocation.Request{Function: "123456789012:function:counter"}},
		{name: "a slash at the end", path: counterPath + "/", want: invocation.Request{Function: "counter"}},
		{name: "a qualifier", path: counterPath + "?Qualifier=%24LATEST",
			want: invocation.Request{Function: "counter", Qualifier: "$LATEST"}},
		{name: "a name that only looks like a path", path: "/2015-03-31/functions/..%2Fcounter/invocations",
			want: invocation.Request{Function: "../counter"}},
		{name: "encoded twice is decoded once", path: "/2015-03-31/functions/counter%253Alive/invocations",
			want: invocation.Request{Function: "counter%3Alive"}},
		{name: "a tenant", path: counterPath, header: map[string]string{"X-Amz-Tenant-Id": "acme/eu west@1"},
			want: invocation.Request{Function: "counter", Tenant: "acme/eu west@1"}},
		{name: "the tail of the log", path: counterPath, header: map[string]string{"X-Amz-Log-Type": "Tail"},
			want: invocation.Request{Function: "counter", Tail: true}},
		{name: "no tail", path: counterPath, header: map[string]string{"X-Amz-Log-Type": "None"},
			want: invocation.Request{Function: "counter"}},
		{name: "a client context", path: counterPath, header: map[string]string{"X-Amz-Client-Context": base64.StdEncoding.EncodeToString([]byte(`{"client":{}}`))},
			want: invocation.Request{Function: "counter", ClientContext: []byte(`{"client":{}}`)}},
		{name: "the longest client context", path: counterPath,
			header: map[string]string{"X-Amz-Client-Context": base64.StdEncoding.EncodeToString([]byte(`"` + strings.Repeat("c", 2683) + `"`))},
			want:   invocation.Request{Function: "counter", ClientContext: []byte(`"` + strings.Repeat("c", 2683) + `"`)}},
		{name: "a trace", path: counterPath, header: map[string]string{"X-Amzn-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"},
			want: invocation.Request{Function: "counter", TraceID: "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"}},
		{name: "the caller's request ID", path: counterPath, header: map[string]string{"X-Amzn-Requestid": anID},
			want: invocation.Request{ID: anID, Function: "counter"}},
		{name: "characters beyond ASCII", path: counterPath, body: `"é😀"`,
			want: invocation.Request{Function: "counter", Payload: []byte(`"é😀"`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeInvoker{}
			w := do(New(fake, registry(), Config{}), post(tt.path, tt.body, tt.header))
			if w.Code != http.StatusOK || len(fake.invoked) != 1 {
				t.Fatalf("%d %s, %d invocations", w.Code, w.Body, len(fake.invoked))
			}
			got := fake.invoked[0]
			if uuid.Validate(got.ID) != nil || w.Header().Get("X-Amzn-Requestid") != got.ID {
				t.Errorf("request ID %q, the answer says %q", got.ID, w.Header().Get("X-Amzn-Requestid"))
			}
			if tt.want.ID == "" {
				got.ID = ""
			}
			if len(got.Payload) == 0 {
				got.Payload = nil
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("invoked with\n%+v, want\n%+v", got, tt.want)
			}
		})
	}
}

// What the caller gets for an answer.
// Source: AWS Lambda API reference, Invoke, response elements.
func TestInvokeAnswer(t *testing.T) {
	tests := []struct {
		name     string
		header   map[string]string
		response invocation.Response
		want     map[string]string // all headers but X-Amzn-Requestid
	}{
		{name: "success", response: invocation.Response{ExecutedVersion: "$LATEST", Payload: []byte(`{"n":1}`)},
			want: map[string]string{"Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST"}},
		{name: "a function error", response: invocation.Response{ExecutedVersion: "$LATEST", FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"no"}`)},
			want: map[string]string{"Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST", "X-Amz-Function-Error": "Unhandled"}},
		{name: "the tail of the log and the trace", header: map[string]string{"X-Amz-Log-Type": "Tail"},
			response: invocation.Response{ExecutedVersion: "3", LogTail: []byte("START\n"), TraceID: "Root=1-a", Payload: []byte(`null`)},
			want: map[string]string{"Content-Type": "application/json", "X-Amz-Executed-Version": "3",
				"X-Amz-Log-Result": "U1RBUlQK", "X-Amzn-Trace-Id": "Root=1-a"}},
		{name: "a tail that nobody asked for", response: invocation.Response{ExecutedVersion: "3", LogTail: []byte("START\n"), Payload: []byte(`null`)},
			want: map[string]string{"Content-Type": "application/json", "X-Amz-Executed-Version": "3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := do(New(&fakeInvoker{response: &tt.response}, registry(), Config{}), post(counterPath, "{}", tt.header))
			got := map[string]string{}
			for name, values := range w.Header() {
				got[name] = strings.Join(values, "|")
			}
			delete(got, "X-Amzn-Requestid")
			if w.Code != http.StatusOK || !maps.Equal(got, tt.want) || !bytes.Equal(w.Body.Bytes(), tt.response.Payload) {
				t.Errorf("%d %v %s, want 200 %v %s", w.Code, got, w.Body, tt.want, tt.response.Payload)
			}
		})
	}
}

// A dry run answers 204 without a body and without an executed version.
// Source: AWS Lambda API reference, Invoke, StatusCode.
func TestDryRun(t *testing.T) {
	fake := &fakeInvoker{}
	w := do(New(fake, registry(), Config{}), post(counterPath, "{}", map[string]string{
		"X-Amz-Invocation-Type": "DryRun", "X-Amz-Tenant-Id": "alice",
	}))
	if w.Code != http.StatusNoContent || w.Body.Len() != 0 || len(w.Header()) != 1 || w.Header().Get("X-Amzn-Requestid") == "" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	if len(fake.invoked) != 0 || len(fake.checked) != 1 || fake.checked[0].Tenant != "alice" {
		t.Errorf("invoked %v, checked %v", fake.invoked, fake.checked)
	}
}

// What never reaches the function.
// Source: AWS Lambda API reference, Invoke, errors, and its common errors.
func TestInvokeRefusals(t *testing.T) {
	tenantRule := `Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+`
	tests := []struct {
		name   string
		header map[string]string
		body   string
		status int
		kind   string
		want   string // of the body, exactly
	}{
		{"an empty tenant ID", map[string]string{"X-Amz-Tenant-Id": ""}, "{}", 400, "ValidationException",
			`{"message":"1 validation error detected: Value '' at 'tenantId' failed to satisfy constraint: Member must have length greater than or equal to 1"}`},
		{"a tenant ID outside the pattern", map[string]string{"X-Amz-Tenant-Id": "a#b"}, "{}", 400, "ValidationException",
			`{"message":"1 validation error detected: Value 'a#b' at 'tenantId' failed to satisfy constraint: ` + tenantRule + `"}`},
		{"a tenant ID of 257", map[string]string{"X-Amz-Tenant-Id": strings.Repeat("t", 257)}, "{}", 400, "ValidationException",
			`{"message":"1 validation error detected: Value '` + strings.Repeat("t", 257) + `' at 'tenantId' failed to satisfy constraint: Member must have length less than or equal to 256"}`},
		{"an unknown invocation type", map[string]string{"X-Amz-Invocation-Type": "Later"}, "{}", 400, "ValidationException",
			`{"message":"1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [RequestResponse, Event, DryRun]"}`},
		{"several at once", map[string]string{"X-Amz-Log-Type": "Head", "X-Amz-Tenant-Id": "#"}, "{}", 400, "ValidationException",
			`{"message":"2 validation errors detected: Value 'Head' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]; ` +
				`Value '#' at 'tenantId' failed to satisfy constraint: ` + tenantRule + `"}`},
		{"an asynchronous invocation", map[string]string{"X-Amz-Invocation-Type": "Event"}, "{}", 400, "InvalidParameterValueException",
			`{"Type":"User","message":"Berth keeps no state here, and so no asynchronous invocations: the invocation type can be RequestResponse or DryRun, not Event."}`},
		{"a request ID that is no UUID", map[string]string{"X-Amzn-Requestid": "42"}, "{}", 400, "InvalidRequestContentException",
			`{"Type":"User","message":"The request ID in x-amzn-RequestId is not a UUID: 42"}`},
		{"a request ID in braces", map[string]string{"X-Amzn-Requestid": "{" + anID + "}"}, "{}", 400, "InvalidRequestContentException",
			`{"Type":"User","message":"The request ID in x-amzn-RequestId is not a UUID: {` + anID + `}"}`},
		{"a client context that is no base64", map[string]string{"X-Amz-Client-Context": "{}"}, "{}", 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Client context must be a valid Base64-encoded JSON object."}`},
		{"a client context that is no JSON", map[string]string{"X-Amz-Client-Context": "Y2xpZW50"}, "{}", 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Client context must be a valid Base64-encoded JSON object."}`},
		{"a client context too long", map[string]string{"X-Amz-Client-Context": strings.Repeat("A", 3584)}, "{}", 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Client context must be no more than 3583 bytes of base64, and this one has 3584."}`},
		{"no JSON", nil, "hello", 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Could not parse request body into json: Could not parse payload into json: Unrecognized token 'hello': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at [Source: REDACTED (` + "`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION`" + ` disabled); line: 1, column: 6]"}`},
		{"a payload of 6 MB and one byte", nil, `"` + strings.Repeat("p", 6291456-1) + `"`, 413, "RequestEntityTooLargeException",
			`{"message":"6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"}`},
		{"a payload too large for a dry run", map[string]string{"X-Amz-Invocation-Type": "DryRun"}, strings.Repeat(" ", 7<<20), 413, "RequestEntityTooLargeException",
			`{"message":"7340032 byte payload is too large for the DryRun invocation type (limit 6291456 bytes)"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeInvoker{}
			w := do(New(fake, registry(), Config{}), post(counterPath, tt.body, tt.header))
			if w.Code != tt.status || w.Header().Get("X-Amzn-Errortype") != tt.kind || w.Body.String() != tt.want {
				t.Errorf("%d %s\n%s, want %d %s\n%s", w.Code, w.Header().Get("X-Amzn-Errortype"), w.Body, tt.status, tt.kind, tt.want)
			}
			if w.Header().Get("Content-Type") != "application/json" || uuid.Validate(w.Header().Get("X-Amzn-Requestid")) != nil {
				t.Errorf("headers %v", w.Header())
			}
			if len(fake.invoked)+len(fake.checked) != 0 {
				t.Error("the invoker was called")
			}
		})
	}
}

// A tenant that is named twice, in whatever spelling, is no tenant.
func TestTwoTenantHeaders(t *testing.T) {
	fake := &fakeInvoker{}
	r := post(counterPath, "{}", nil)
	r.Header["X-Amz-Tenant-Id"] = []string{"alice", "bob"}
	if w := do(New(fake, registry(), Config{}), r); w.Code != http.StatusBadRequest || len(fake.invoked) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// The largest payload passes whole.
func TestLargestPayload(t *testing.T) {
	payload := `"` + strings.Repeat("p", 6291456-2) + `"`
	fake := &fakeInvoker{response: &invocation.Response{Payload: []byte(`null`)}}
	w := do(New(fake, registry(), Config{}), post(counterPath, payload, nil))
	if w.Code != http.StatusOK || len(fake.invoked) != 1 || string(fake.invoked[0].Payload) != payload {
		t.Errorf("%d, %d invocations", w.Code, len(fake.invoked))
	}
}

// What the invoker refuses goes out in the shape of its type.
func TestInvokerRefusals(t *testing.T) {
	secret := errors.New("dial 10.1.2.3: no route")
	tests := []struct {
		name   string
		err    error
		status int
		kind   string
		want   string
		logged bool
	}{
		{"no function", &function.Refusal{Type: function.ResourceNotFound, Message: "Function not found: <x>"}, 404, "ResourceNotFoundException",
			`{"Type":"User","Message":"Function not found: <x>"}`, false},
		{"no room", &function.Refusal{Type: function.TooManyRequests, Message: "Rate exceeded", Reason: "ConcurrentInvocationLimitExceeded"}, 429, "TooManyRequestsException",
			`{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate exceeded"}`, false},
		{"wrapped on its way up", fmt.Errorf("invoke counter: %w", &function.Refusal{Type: function.InvalidParameterValue, Message: "no", Err: secret}), 400, "InvalidParameterValueException",
			`{"Type":"User","message":"no"}`, false},
		{"a fault of ours", secret, 500, "ServiceException",
			`{"Type":"Service","Message":"` + ownFault + `"}`, true},
		{"a type that has no shape", &function.Refusal{Type: "HouseOnFireException", Message: secret.Error()}, 500, "ServiceException",
			`{"Type":"Service","Message":"` + ownFault + `"}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			s := New(&fakeInvoker{err: tt.err}, registry(), Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			for _, kind := range []string{"RequestResponse", "DryRun"} {
				w := do(s, post(counterPath, "{}", map[string]string{"X-Amz-Invocation-Type": kind}))
				if w.Code != tt.status || w.Header().Get("X-Amzn-Errortype") != tt.kind || w.Body.String() != tt.want {
					t.Errorf("%s: %d %s %s, want %d %s %s", kind, w.Code, w.Header().Get("X-Amzn-Errortype"), w.Body, tt.status, tt.kind, tt.want)
				}
			}
			if strings.Contains(log.String(), secret.Error()) != tt.logged {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

// A body that ends early is the client's doing, and the next request works.
func TestTruncatedPayload(t *testing.T) {
	fake := &fakeInvoker{}
	s := New(fake, registry(), Config{})
	r := post(counterPath, "", nil)
	r.ContentLength = 100
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"a":`), brokenReader{}))
	if w := do(s, r); w.Code != http.StatusBadRequest || len(fake.invoked) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := do(s, post(counterPath, "{}", nil)); w.Code != http.StatusOK {
		t.Errorf("the next: %d %s", w.Code, w.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestUnknownOperations(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/", 404, "UnknownOperationException"},
		{"GET", counterPath, 404, "UnknownOperationException"},
		{"POST", "/2015-03-31/functions//invocations", 404, "UnknownOperationException"},
		{"POST", "/2015-03-31/functions/a/b/invocations", 404, "UnknownOperationException"},
		{"POST", "/2015-03-31/functions", 501, "operation CreateFunction yet"},
		{"GET", "/2018-10-31/layers", 501, "operation ListLayers yet"},
		{"GET", "/2018-10-31/layers?find=LayerVersion&Arn=x", 501, "operation GetLayerVersionByArn yet"},
	}
	for _, tt := range tests {
		w := do(New(&fakeInvoker{}, registry(), Config{}), httptest.NewRequest(tt.method, tt.path, nil))
		if got := w.Header().Get("X-Amzn-Errortype") + " " + w.Body.String(); w.Code != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, w.Code, got)
		}
	}
}

// FuzzFindOperation holds that a function's name reaches the invoker as the
// caller meant it, however it was escaped, and that nothing else is taken for it.
func FuzzFindOperation(f *testing.F) {
	for _, name := range []string{"counter", "arn:aws:lambda:us-east-1:123456789012:function:counter:$LATEST", "..", "a/b", "%", "%2F", "é", "a b+c"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" {
			return
		}
		var all strings.Builder
		for i := range len(name) {
			fmt.Fprintf(&all, "%%%02X", name[i])
		}
		for _, escaped := range []string{all.String(), strings.ToLower(all.String())} {
			op, labels := findOperation("POST", "/2015-03-31/functions/"+escaped+"/invocations", nil)
			if op != "Invoke" || labels["FunctionName"] != name {
				t.Fatalf("%q was found as %s of %q", name, op, labels["FunctionName"])
			}
		}
		op, labels := findOperation("POST", "/2015-03-31/functions/"+name+"/invocations", nil)
		if op == "Invoke" && strings.Count(labels["FunctionName"], "/") != strings.Count(strings.ToLower(name), "%2f") {
			t.Fatalf("%q was found as %s of %q", name, op, labels["FunctionName"])
		}
		if op != "" && !slices.ContainsFunc(operations, func(o operation) bool { return o.name == op }) {
			t.Fatalf("%q was found as %s", name, op)
		}
	})
}

func BenchmarkInvoke(b *testing.B) {
	s := New(&fakeInvoker{response: &invocation.Response{ExecutedVersion: function.Latest, Payload: []byte(`{"count":1}`)}}, registry(), Config{})
	b.ReportAllocs()
	for b.Loop() {
		w := do(s, post(counterPath, `{"n":1}`, map[string]string{"X-Amz-Tenant-Id": "alice"}))
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
