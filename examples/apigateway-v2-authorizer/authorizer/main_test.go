package main

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestAuthorize(t *testing.T) {
	key := []byte("a key")
	signature := func(key, name string) string { return hex.EncodeToString(sign([]byte(key), name)) }
	for _, tt := range []struct {
		name   string
		source []string
		who    string // "" when it is refused
	}{
		{"a good token", []string{"Bearer alice." + signature("a key", "alice")}, "alice"},
		{"in capitals", []string{"Bearer alice." + strings.ToUpper(signature("a key", "alice"))}, "alice"},
		{"another's signature", []string{"Bearer alice." + signature("a key", "bob")}, ""},
		{"another key", []string{"Bearer alice." + signature("another", "alice")}, ""},
		{"half a signature", []string{"Bearer alice." + signature("a key", "alice")[:32]}, ""},
		{"no signature", []string{"Bearer alice"}, ""},
		{"an empty signature", []string{"Bearer alice."}, ""},
		{"no name", []string{"Bearer ." + signature("a key", "")}, ""},
		{"another scheme", []string{"Basic alice." + signature("a key", "alice")}, ""},
		{"no source", nil, ""},
	} {
		got, err := authorize(t.Context(), key, events.APIGatewayV2CustomAuthorizerV2Request{IdentitySource: tt.source})
		name, _ := got.Context["name"].(string)
		if err != nil || got.IsAuthorized != (tt.who != "") || name != tt.who {
			t.Errorf("%s: %+v, %v; want %q", tt.name, got, err, tt.who)
		}
	}
}
