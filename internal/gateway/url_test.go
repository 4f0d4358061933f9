package gateway

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/function"
)

func newTestURL(invoker Invoker) *urlDoor {
	d := NewFunctionURL(api.FunctionURL{Function: "plain", Qualifier: "live"}, invoker, Config{}).(*urlDoor)
	d.source = fixedSource()
	return d
}

// The event, after one that AWS sent in July 2026 (hotsock/voker,
// functionurl-request.json); there is no TLS here to tell of.
func TestURLEvents(t *testing.T) {
	tests := []struct {
		file, method, path string
		body               string
		header             []string
	}{
		{"v2", "POST", "/capture/space%20value?repeat=one&repeat=two&literalPlus=a+b&encodedPlus=a%2Bb&empty=", `{"message":"hello"}`,
			[]string{"Content-Type: application/json", "Cookie: session=abc123; theme=dark", "X-Voker-Probe: first", "X-Voker-Probe: second", "X-Amz-Tenant-Id: mallory"}},
		{"bare", "GET", "/", "", nil},
		{"multipart", "POST", "/", "--x\r\n", []string{"Content-Type: multipart/form-data; boundary=x"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			fake := &fakeInvoker{}
			w := send(t, newTestURL(fake), tt.method, tt.path, tt.body, tt.header...)
			got := fake.only(t)
			if w.Code != 200 || got.Function != "plain" || got.Qualifier != "live" || got.Tenant != "" {
				t.Fatalf("%d, %+v", w.Code, got)
			}
			if got.ID == "" || raw(w, "x-amzn-RequestId")[0] != got.ID {
				t.Errorf("request ID %q, the answer says %q", got.ID, raw(w, "x-amzn-RequestId"))
			}
			compare(t, filepath.Join("testdata", "url", tt.file+".json"), got.Payload)
		})
	}
}

// Answers.
// Source: AWS Lambda developer guide, urls-invocation; recorded answers
// (test_lambda_url_invocation in LocalStack's snapshots).
func TestURLAnswers(t *testing.T) {
	tests := []struct {
		name string
		fake *fakeInvoker
		body string
		want string
	}{
		{"a string", &fakeInvoker{payload: `"hello"`}, "", "200 application/json hello"},
		{"a number", &fakeInvoker{payload: `3`}, "", "200 application/json 3"},
		{"a list", &fakeInvoker{payload: `["hello",3,true]`}, "", `200 application/json ["hello",3,true]`},
		{"all of it", &fakeInvoker{payload: `{"statusCode":418,"headers":{"content-type":"text/html"},"body":"tea"}`}, "", "418 text/html tea"},
		{"no content type", &fakeInvoker{payload: `{"statusCode":200,"body":"x"}`}, "", "200 application/json x"},
		{"a function error", &fakeInvoker{failure: "Unhandled"}, "", "502 application/json Internal Server Error"},
		{"a fault of Berth's", &fakeInvoker{err: errors.New("secret")}, "", "502 application/json Internal Server Error"},
		{"no room", &fakeInvoker{err: &function.Refusal{Type: function.TooManyRequests, Message: "Rate exceeded"}}, "", `429 application/json {"Message":"Rate Exceeded."}`},
		{"a body too large", &fakeInvoker{}, strings.Repeat("b", 6<<20+1), `413 application/json {"Message":"Request Entity Too Large"}`},
	}
	for _, tt := range tests {
		w := send(t, newTestURL(tt.fake), "POST", "/", tt.body)
		if got := fmt.Sprintf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
