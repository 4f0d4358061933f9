package template

import "testing"

func TestSuggest(t *testing.T) {
	candidates := []string{"MemorySize", "Timeout", "Runtime", "Role", "Tags"}
	tests := []struct{ name, word, want string }{
		{"a letter missing", "MemorySze", "MemorySize"},
		{"a letter too many", "Timeoout", "Timeout"},
		{"two letters swapped", "Rutnime", "Runtime"},
		{"another case", "memorysize", "MemorySize"},
		{"a plural", "Roles", "Role"},
		{"nothing near", "Environment", ""},
		{"short words need to be nearer", "Tag", "Tags"},
		{"short words that are not near", "Top", ""},
		{"the empty word", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := suggest(test.word, candidates); got != test.want {
				t.Errorf("%q suggests %q, want %q", test.word, got, test.want)
			}
		})
	}
}

func TestDistanceIsSymmetricAndBounded(t *testing.T) {
	words := []string{"", "a", "ab", "ba", "abc", "acb", "kitten", "sitting", "MemorySize", "MemorySzie"}
	for _, a := range words {
		for _, b := range words {
			d := distance(a, b, 100)
			if back := distance(b, a, 100); d != back {
				t.Errorf("%q to %q is %d, and back %d", a, b, d, back)
			}
			if (d == 0) != (a == b) {
				t.Errorf("%q to %q is %d", a, b, d)
			}
			if got := distance(a, b, 2); got != min(d, 2) {
				t.Errorf("%q to %q, at most 2, is %d; unbounded it is %d", a, b, got, d)
			}
		}
	}
}
