package main

import (
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

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

func TestAnObjectThatIsTooLarge(t *testing.T) {
	url := store(t)
	s := shelves{s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})}
	for _, tt := range []struct {
		bytes int
		fault string
	}{{maxText, ""}, {maxText + 1, "large.txt has more than 65536 bytes"}} {
		bucket, key := locals3.Bucket, "large.txt"
		if _, err := s.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(strings.Repeat("x", tt.bytes))}); err != nil {
			t.Fatal(err)
		}
		out, err := s.handle(t.Context(), Request{Bucket: bucket, Key: key})
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
