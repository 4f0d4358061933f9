package function

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

// The rules are those of the AWS Lambda API reference, Invoke.
func TestParseTenantID(t *testing.T) {
	for _, tt := range []struct {
		name, id string
		refusal  string // "" if the ID is good
	}{
		{"a name", "alice", ""},
		{"every character that is allowed", "azAZ09._:/=+-@ ", ""},
		{"256 characters", strings.Repeat("a", 256), ""},
		{"nothing", "", "1 validation error detected: Value '' at 'tenantId' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"257 characters", strings.Repeat("a", 257), "1 validation error detected: Value '" + strings.Repeat("a", 257) + "' at 'tenantId' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"a newline", "a\nb", "1 validation error detected: Value 'a\nb' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+"},
		{"a character outside the pattern", "a#b", "1 validation error detected: Value 'a#b' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+"},
		{"a letter beyond ASCII", "é", "1 validation error detected: Value 'é' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+"},
		{"a NUL byte", "a\x00", "1 validation error detected: Value 'a\x00' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+"},
	} {
		id, err := ParseTenantID(tt.id)
		var refusal *Refusal
		switch {
		case tt.refusal == "":
			if err != nil || string(id) != tt.id {
				t.Errorf("%s: %q, %v", tt.name, id, err)
			}
		case !errors.As(err, &refusal) || refusal.Type != Validation || refusal.Message != tt.refusal || id != "":
			t.Errorf("%s: %q, %v\nwant %s", tt.name, id, err, tt.refusal)
		}
	}
}

// FuzzParseTenantID holds the parser against the API's own pattern.
func FuzzParseTenantID(f *testing.F) {
	pattern := regexp.MustCompile(`^[a-zA-Z0-9\._:\/=+\-@ ]{1,256}$`)
	f.Add("alice")
	f.Add("a\n")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseTenantID(s)
		good := pattern.MatchString(s) && !strings.HasSuffix(s, "\n")
		if (err == nil) != good || (err == nil && string(id) != s) {
			t.Errorf("ParseTenantID(%q) = %q, %v; the pattern says %v", s, id, err, good)
		}
	})
}

func TestResolve(t *testing.T) {
	r := NewRegistry("us-east-1", "123456789012")
	counter := &Version{Name: "counter", Number: Latest}
	r.Put(counter)
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:counter"
	for _, tt := range []struct {
		name, function, qualifier string
		arn                       string // the invoked ARN, if it is found
		kind, message             string // of the refusal, if not
	}{
		{name: "a name", function: "counter", arn: arn},
		{name: "a name with a qualifier", function: "counter:$LATEST", arn: arn + ":$LATEST"},
		{name: "a qualifier beside the name", function: "counter", qualifier: "$LATEST", arn: arn + ":$LATEST"},
		{name: "the same qualifier twice", function: "counter:$LATEST", qualifier: "$LATEST", arn: arn + ":$LATEST"},
		{name: "a partial ARN", function: "123456789012:function:counter", arn: arn},
		{name: "a full ARN", function: arn, arn: arn},
		{name: "a full ARN with a qualifier", function: arn + ":$LATEST", arn: arn + ":$LATEST"},
		{name: "two different qualifiers", function: "counter:$LATEST", qualifier: "1", kind: InvalidParameterValue,
			message: "The derived qualifier from the function name does not match the specified qualifier."},
		{name: "no such function", function: "other", kind: ResourceNotFound,
			message: "Function not found: arn:aws:lambda:us-east-1:123456789012:function:other"},
		{name: "no such version", function: "counter", qualifier: "7", kind: ResourceNotFound, message: "Function not found: " + arn + ":7"},
		{name: "another account", function: "999999999999:function:counter", kind: ResourceNotFound,
			message: "Function not found: " + arn},
		{name: "another region", function: strings.Replace(arn, "us-east-1", "ap-southeast-1", 1), kind: ResourceNotFound,
			message: "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')"},
		{name: "a name of 65 characters", function: strings.Repeat("n", 65), kind: InvalidParameterValue,
			message: "1 validation error detected: Value '" + strings.Repeat("n", 65) + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{name: "a bad name", function: "a b", kind: Validation,
			message: "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + namePattern},
		{name: "a bad qualifier", function: "counter", qualifier: "x?", kind: Validation,
			message: "1 validation error detected: Value 'x?' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: " + qualifierPattern},
	} {
		got, err := r.Resolve(tt.function, tt.qualifier)
		var refusal *Refusal
		switch {
		case tt.arn != "":
			if err != nil || got.Version != counter || got.InvokedARN != tt.arn {
				t.Errorf("%s: %+v, %v; want %s", tt.name, got, err, tt.arn)
			}
		case !errors.As(err, &refusal) || refusal.Type != tt.kind || refusal.Message != tt.message:
			t.Errorf("%s: %v\nwant %s: %s", tt.name, err, tt.kind, tt.message)
		}
	}
}

func TestPutReplaces(t *testing.T) {
	r := NewRegistry("us-east-1", "123456789012")
	first, second := &Version{Name: "b", Number: Latest}, &Version{Name: "b", Number: Latest}
	r.Put(first)
	r.Put(second)
	r.Put(&Version{Name: "a", Number: Latest})
	if all := r.All(); len(all) != 2 || all[0].Name != "a" || all[1] != second {
		t.Errorf("%v", all)
	}
}
