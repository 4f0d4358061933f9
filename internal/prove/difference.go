package prove

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Difference is one part of an answer that was another when the environment was
// shared.
type Difference struct {
	Path   string `json:"path"`   // "$.body.requestCount"; "$" is the whole answer
	Alone  string `json:"alone"`  // as JSON; "" if it was not there
	Shared string `json:"shared"` // likewise
}

// absent stands for a part that an answer does not have.
type absent struct{}

// differences compares two answers to the same request, one of an environment of
// the tenant's own and one of an environment that all share. again is a second
// answer of an environment of its own: what differs between these two, such as a
// time or a random number, says nothing and is passed over.
func differences(alone, again, shared []byte) []Difference {
	var all []Difference
	compare("$", parse(alone), parse(again), parse(shared), &all)
	return all
}

// parse reads an answer; what is no JSON is taken as text.
func parse(b []byte) any {
	var v any
	if json.Unmarshal(b, &v) != nil {
		return strings.ToValidUTF8(string(b), "\ufffd") // as it will be shown
	}
	return v
}

func compare(path string, alone, again, shared any, all *[]Difference) {
	if reflect.DeepEqual(alone, shared) {
		return
	}
	switch a := alone.(type) {
	case map[string]any:
		b, ok := again.(map[string]any)
		s, same := shared.(map[string]any)
		if !ok || !same {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(union(a, s))) {
			compare(path+"."+key, member(a, key), member(b, key), member(s, key), all)
		}
		return
	case []any:
		b, ok := again.([]any)
		s, same := shared.([]any)
		if !ok || !same {
			break
		}
		for i := range max(len(a), len(s)) {
			compare(fmt.Sprintf("%s[%d]", path, i), item(a, i), item(b, i), item(s, i), all)
		}
		return
	case string:
		// The body of an HTTP response is text, and mostly JSON again.
		b, ok := again.(string)
		s, same := shared.(string)
		inA, inB, inS := nested(a), nested(b), nested(s)
		if ok && same && inA != nil && inB != nil && inS != nil {
			compare(path, inA, inB, inS, all)
			return
		}
	}
	if reflect.DeepEqual(alone, again) {
		*all = append(*all, Difference{path, show(alone), show(shared)})
	}
}

func union(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func member(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	return absent{}
}

func item(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return absent{}
}

// nested is the object or the array that a text holds, or nil.
func nested(text string) any {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil
	}
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return nil
	}
	return v
}

func show(v any) string {
	if v == (absent{}) {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil { // it was JSON
		panic(err)
	}
	return string(b)
}
