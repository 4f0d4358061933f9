package sigv4

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Signatures that AWS published: the Signature Version 4 test suite (service
// "service"), and the example of the IAM user guide (service "iam").
func TestVectors(t *testing.T) {
	tests := []struct {
		name, method, path, query string
		header                    []string
		body                      string
		signed, want              string
	}{
		{"get-vanilla", "GET", "/", "", nil, "", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", nil, "", "host;x-amz-date",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", nil, "", "host;x-amz-date",
			"07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{"get-utf8", "GET", "/ሴ", "", nil, "", "host;x-amz-date",
			"8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
		{"get-space", "GET", "/example space/", "", nil, "", "host;x-amz-date",
			"652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
		{"get-relative", "GET", "/example/..", "", nil, "", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slash", "GET", "//", "", nil, "", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slashes", "GET", "//example//", "", nil, "", "host;x-amz-date",
			"9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{"get-header-value-trim", "GET", "/", "", []string{"My-Header1:  value1", "My-Header2: \"a   b   c\""}, "", "host;my-header1;my-header2;x-amz-date",
			"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"post-vanilla", "POST", "/", "", nil, "", "host;x-amz-date",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-x-www-form-urlencoded", "POST", "/", "", []string{"Content-Type:application/x-www-form-urlencoded"}, "Param1=value1", "content-type;host;x-amz-date",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	}
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{Method: tt.method, Host: "example.amazonaws.com", URL: &url.URL{RawQuery: tt.query},
				Header: http.Header{"X-Amz-Date": {"20150830T123600Z"}}}
			for _, line := range tt.header {
				name, value, _ := strings.Cut(line, ":")
				r.Header.Set(name, value)
			}
			s := &signature{day: "20150830", region: "us-east-1", service: "service", terminator: terminator,
				at: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC), signedHeaders: strings.Split(tt.signed, ";")}
			// The suite signs paths that are not escaped yet.
			if got := s.sign(secret, canonicalRequest(r, tt.path, s, []byte(tt.body))); got != tt.want {
				t.Errorf("%s, want %s; signed was\n%s", got, tt.want, canonicalRequest(r, tt.path, s, []byte(tt.body)))
			}
		})
	}

	r := &http.Request{Method: "GET", Host: "iam.amazonaws.com", URL: &url.URL{RawQuery: "Action=ListUsers&Version=2010-05-08"}, Header: http.Header{
		"X-Amz-Date": {"20150830T123600Z"}, "Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}}
	s := &signature{day: "20150830", region: "us-east-1", service: "iam", terminator: terminator,
		at: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC), signedHeaders: []string{"content-type", "host", "x-amz-date"}}
	if got, want := s.sign(secret, canonicalRequest(r, "/", s, nil)), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"; got != want {
		t.Errorf("the guide's example: %s, want %s", got, want)
	}
}
