//go:build !linux

package cgroup

// Open gives an empty tree: only Linux has cgroups.
func Open(string) (*Tree, error) {
	t := &Tree{}
	for _, c := range controllers {
		t.Problems = append(t.Problems, Problem{Controller: c, Reason: "only Linux has cgroups", Fix: "run berth on Linux"})
	}
	return t, nil
}
