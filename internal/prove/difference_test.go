package prove

import (
	"slices"
	"testing"
)

func TestDifferences(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		alone, again, shared string
		want                 []Difference
	}{
		{"the same", `{"a":1}`, `{"a":1}`, `{"a":1}`, nil},
		{"another value", `{"a":1,"b":2}`, `{"a":1,"b":2}`, `{"a":1,"b":3}`, []Difference{{"$.b", "2", "3"}}},
		{"a value that is never the same", `{"time":1}`, `{"time":2}`, `{"time":3}`, nil},
		{"one that happens to be, and one that is", `{"time":1,"n":1}`, `{"time":2,"n":1}`, `{"time":3,"n":2}`, []Difference{{"$.n", "1", "2"}}},
		{"more members when shared", `{"a":{}}`, `{"a":{}}`, `{"a":{"b":"alice's"}}`, []Difference{{"$.a.b", "", `"alice's"`}}},
		{"fewer members when shared", `{"a":1,"b":[]}`, `{"a":1,"b":[]}`, `{"a":1}`, []Difference{{"$.b", "[]", ""}}},
		{"a longer list", `[1]`, `[1]`, `[1,2]`, []Difference{{"$[1]", "", "2"}}},
		{"a list whose items have times", `[{"t":1}]`, `[{"t":2}]`, `[{"t":3},{"t":4}]`, []Difference{{"$[1]", "", `{"t":4}`}}},
		{"JSON in a body", `{"body":"{\"n\":1,\"t\":5}"}`, `{"body":"{\"n\":1,\"t\":6}"}`, `{"body":"{\"n\":2,\"t\":7}"}`, []Difference{{"$.body.n", "1", "2"}}},
		{"a body that is no JSON when shared", `{"body":"{}"}`, `{"body":"{}"}`, `{"body":"oops"}`, []Difference{{"$.body", `"{}"`, `"oops"`}}},
		{"another kind of value", `{"a":{"b":1}}`, `{"a":{"b":1}}`, `{"a":null}`, []Difference{{"$.a", `{"b":1}`, "null"}}},
		{"no JSON at all", `hello alice`, `hello alice`, `hello bob`, []Difference{{"$", `"hello alice"`, `"hello bob"`}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := differences([]byte(tt.alone), []byte(tt.again), []byte(tt.shared)); !slices.Equal(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Answers come from functions, so they may be anything. Whatever they are, an
// answer does not differ from itself, and a difference is of something that the
// two answers of the tenant's own environments agree on.
func FuzzDifferences(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"{}"}]}`), []byte(`{"a":[2]}`), []byte(`x`))
	f.Fuzz(func(t *testing.T, alone, again, shared []byte) {
		if d := differences(alone, again, alone); len(d) != 0 {
			t.Errorf("%q differs from itself: %+v", alone, d)
		}
		for _, d := range differences(alone, alone, shared) {
			if d.Alone == d.Shared {
				t.Errorf("%q and %q: no difference in %+v", alone, shared, d)
			}
		}
	})
}
