package cgroup

import (
	"bufio"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// controllers are those that Berth has a use for.
var controllers = []string{"memory", "pids", "cpu"}

// A mount is one cgroup file system that can be seen from here.
type mount struct {
	point   string   // where it is mounted
	root    string   // which cgroup stands there
	unified bool     // version 2
	has     []string // the controllers of a version 1 hierarchy
}

// parseMounts reads /proc/self/mountinfo.
// Source: proc_pid_mountinfo(5).
func parseMounts(r io.Reader) ([]mount, error) {
	var out []mount
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		if !ok {
			continue
		}
		at, fs := strings.Fields(before), strings.Fields(after)
		if len(at) < 6 || len(fs) < 3 {
			continue
		}
		m := mount{root: unescape(at[3]), point: unescape(at[4])}
		switch fs[0] {
		case "cgroup2":
			m.unified = true
		case "cgroup":
			for o := range strings.SplitSeq(fs[2], ",") {
				if slices.Contains(controllers, o) {
					m.has = append(m.has, o)
				}
			}
			if len(m.has) == 0 {
				continue
			}
		default:
			continue
		}
		out = append(out, m)
	}
	return out, lines.Err()
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// parseOwn reads /proc/self/cgroup: the cgroup of this process by controller.
// The unified hierarchy's is under "". Source: cgroups(7).
func parseOwn(r io.Reader) (map[string]string, error) {
	out := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for c := range strings.SplitSeq(parts[1], ",") {
			out[c] = parts[2]
		}
	}
	return out, lines.Err()
}

// dirOf is the folder of the cgroup own in the file system m, if it can be seen
// there: a container may have mounted only a part of the tree.
func (m mount) dirOf(own string) (string, bool) {
	rel, err := filepath.Rel(m.root, own)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", false
	}
	return filepath.Join(m.point, rel), true
}
