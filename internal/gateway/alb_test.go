package gateway

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/api"
)

func newTestALB(multi bool, invoker Invoker) *albDoor {
	d := NewALB(api.TargetGroup{Name: "group", Function: "plain", MultiValueHeaders: multi}, invoker, Config{}).(*albDoor)
	d.source = fixedSource()
	return d
}

// Events in both header modes.
// Source: Elastic Load Balancing, lambda-functions; the one of multiple values is
// shaped after an event that AWS sent in July 2026 (hotsock/voker,
// alb-request.json).
func TestALBEvents(t *testing.T) {
	const path = "/capture/space%20value?repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty="
	header := []string{"Content-Type: application/json", "Cookie: session=abc123; theme=dark", "X-Voker-Probe: first", "X-Voker-Probe: second"}
	tests := []struct {
		file   string
		multi  bool
		method string
		path   string
		body   string
		header []string
	}{
		{"multi", true, "POST", path, `{"message":"hello","unicode":"lambda-λ"}`, header},
		{"single", false, "POST", path, `{"message":"hello","unicode":"lambda-λ"}`, header},
		{"bare", false, "GET", "/", "", nil},
		{"compressed", false, "POST", "/", "\x1f\x8b", []string{"Content-Type: text/plain", "Content-Encoding: gzip"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			fake := &fakeInvoker{payload: `{"statusCode":200}`}
			if w := send(t, newTestALB(tt.multi, fake), tt.method, tt.path, tt.body, tt.header...); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			compare(t, filepath.Join("testdata", "alb", tt.file+".json"), fake.only(t).Payload)
		})
	}
}

// Answers.
// Source: Elastic Load Balancing, lambda-functions and load-balancer-troubleshooting.
func TestALBAnswers(t *testing.T) {
	bad := "502 text/html [] <html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
	tests := []struct {
		name  string
		multi bool
		fake  *fakeInvoker
		body  string
		want  string
	}{
		{"all of it", false, &fakeInvoker{payload: `{"statusCode":200,"statusDescription":"200 OK","isBase64Encoded":false,"headers":{"Content-Type":"text/html","X-A":"1"},"body":"<h1>hi</h1>"}`}, "",
			"200 text/html [1] <h1>hi</h1>"},
		{"several values", true, &fakeInvoker{payload: `{"statusCode":200,"multiValueHeaders":{"X-A":["1","2"]},"headers":{"X-A":"3"}}`}, "", "200 application/octet-stream [1 2] "},
		{"one value each", false, &fakeInvoker{payload: `{"statusCode":200,"multiValueHeaders":{"X-A":["1","2"]},"headers":{"X-A":"3"}}`}, "", "200 application/octet-stream [3] "},
		{"base64", false, &fakeInvoker{payload: `{"statusCode":200,"isBase64Encoded":true,"body":"aGk="}`}, "", "200 application/octet-stream [] hi"},
		{"no status", false, &fakeInvoker{payload: `{"body":"hi"}`}, "", bad},
		{"no JSON", false, &fakeInvoker{payload: `hi`}, "", bad},
		{"an answer over 1 MB", false, &fakeInvoker{payload: `{"statusCode":200,"body":"` + strings.Repeat("b", 1<<20) + `"}`}, "", bad},
		{"a function error", false, &fakeInvoker{failure: "Unhandled", payload: `{"statusCode":200}`}, "", bad},
		{"a fault of Berth's", false, &fakeInvoker{err: errors.New("secret")}, "", bad},
		{"a body over 1 MB", false, &fakeInvoker{}, strings.Repeat("b", 1<<20+1),
			strings.NewReplacer("502", "413", "Bad Gateway", "Request Entity Too Large").Replace(bad)},
	}
	for _, tt := range tests {
		w := send(t, newTestALB(tt.multi, tt.fake), "POST", "/", tt.body)
		if got := fmt.Sprintf("%d %s %v %s", w.Code, w.Header().Get("Content-Type"), raw(w, "X-A"), w.Body); got != tt.want {
			t.Errorf("%s: %.300q, want %q", tt.name, got, tt.want)
		}
	}
}
