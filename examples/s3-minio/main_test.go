package main

import (
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/examples/internal/locals3"
)

// requests are the function's specification, against the S3 of package locals3.
var requests = []struct {
	name, event string
	want        Response
	errorType   string
}{
	{"the buckets", `{}`, Response{Buckets: []string{"harbour"}}, ""},
	{"a bucket's objects", `{"bucket":"harbour"}`, Response{Objects: []Object{{"manifests/ada.txt", 17}, {"manifests/bob.txt", 10}}}, ""},
	{"an object", `{"bucket":"harbour","key":"manifests/ada.txt"}`, Response{Text: "10 crates of tea\n"}, ""},
	{"no such bucket", `{"bucket":"atlantis"}`, Response{}, "NoSuchBucket"},
	{"no such object", `{"bucket":"harbour","key":"gold.txt"}`, Response{}, "NoSuchKey"},
	{"a key without a bucket", `{"key":"gold.txt"}`, Response{}, "BucketMissing"},
}

// store starts an S3 for one test.
func store(t *testing.T) (url string) {
	t.Helper()
	handler, err := locals3.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestConnect(t *testing.T) {
	for _, tt := range []struct {
		endpoint string
		url      string // "" when it is refused
	}{
		{"http://127.0.0.1:9000", "http://127.0.0.1:9000"},
		{"https://s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"},
		{"127.0.0.1:9000", ""},
		{"ftp://127.0.0.1", ""},
		{"", ""},
	} {
		client, err := connect(tt.endpoint, "us-east-1")
		if (err == nil) != (tt.url != "") || err == nil && client.EndpointURL().String() != tt.url {
			t.Errorf("%q: %v, %v", tt.endpoint, client, err)
		}
	}
}

func TestAnObjectThatIsTooLarge(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	client, err := connect(store(t), "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	s := shelves{client}
	for _, tt := range []struct {
		bytes int
		fault string
	}{{maxText, ""}, {maxText + 1, "large.txt has more than 65536 bytes"}} {
		text := strings.NewReader(strings.Repeat("x", tt.bytes))
		if _, err := client.PutObject(t.Context(), locals3.Bucket, "large.txt", text, int64(tt.bytes), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		out, err := s.handle(t.Context(), Request{Bucket: locals3.Bucket, Key: "large.txt"})
		if (err != nil) != (tt.fault != "") || err != nil && err.Error() != tt.fault || err == nil && len(out.Text) != tt.bytes {
			t.Errorf("%d bytes: %d, %v", tt.bytes, len(out.Text), err)
		}
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".", "--network", "host", "--parameter", "Endpoint="+store(t))
	for _, tt := range requests {
		if tt.errorType != "" {
			if a := b.Invoke("Shelves", "", tt.event); a.FunctionError == "" || !strings.Contains(a.Payload, `"errorType":"`+tt.errorType+`"`) {
				t.Errorf("%s: %+v, want %s", tt.name, a, tt.errorType)
			}
			continue
		}
		var got Response
		if b.Call("Shelves", "", tt.event, &got); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
