package cgroup

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The three layouts of the field, as their kernels print them.
var layouts = []struct {
	name      string
	mountinfo string
	own       string
	want      map[string]string // controller to the folder of this process's own cgroup; "" is the unified one
}{
	{
		"version 2 alone, as on Fedora, Debian and Ubuntu",
		"29 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
		"0::/user.slice/user-1000.slice/session-2.scope\n",
		map[string]string{"": "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope"},
	},
	{
		"version 1 with controllers that share a hierarchy, as on Amazon Linux 2",
		"30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
			"31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
			"32 25 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n",
		"5:memory:/system.slice\n4:cpu,cpuacct:/\n1:name=systemd:/system.slice/sshd.service\n",
		map[string]string{"memory": "/sys/fs/cgroup/memory/system.slice", "cpu": "/sys/fs/cgroup/cpu,cpuacct"},
	},
	{
		"a container that sees only its own part",
		"40 25 0:26 /docker/4f5e /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
		"5:memory:/docker/4f5e/inner\n",
		map[string]string{"memory": "/sys/fs/cgroup/memory/inner"},
	},
	{
		"a container whose own cgroup lies outside of what is mounted",
		"40 25 0:26 /docker/4f5e /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
		"5:memory:/elsewhere\n",
		map[string]string{},
	},
	{
		"a mount point with a space, and lines that are none",
		"29 22 0:26 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n\nnonsense\n1 2 - cgroup\n",
		"0::/a\nnonsense\n",
		map[string]string{"": "/mnt/my groups/a"},
	},
}

func TestLayout(t *testing.T) {
	for _, tt := range layouts {
		t.Run(tt.name, func(t *testing.T) {
			mounts, err := parseMounts(strings.NewReader(tt.mountinfo))
			if err != nil {
				t.Fatal(err)
			}
			own, err := parseOwn(strings.NewReader(tt.own))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, m := range mounts {
				names := m.has
				if m.unified {
					names = []string{""}
				}
				for _, c := range names {
					if dir, ok := m.dirOf(own[c]); ok {
						got[c] = dir
					}
				}
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzParseMounts(f *testing.F) {
	for _, tt := range layouts {
		f.Add(tt.mountinfo, tt.own)
	}
	f.Fuzz(func(t *testing.T, info, own string) {
		mounts, err := parseMounts(strings.NewReader(info))
		if err != nil {
			return
		}
		groups, err := parseOwn(strings.NewReader(own))
		if err != nil {
			return
		}
		for _, m := range mounts {
			if !m.unified && len(m.has) == 0 {
				t.Errorf("a mount without a use: %+v", m)
			}
			for _, g := range groups {
				// Whatever a file says, nothing outside of the mount is touched.
				dir, ok := m.dirOf(g)
				if rel, err := filepath.Rel(m.point, dir); ok && (err != nil || rel == ".." || strings.HasPrefix(rel, "../")) {
					t.Errorf("cgroup %q of mount %+v is at %q", g, m, dir)
				}
			}
		}
	})
}

// On files instead of a kernel: which file gets which value.
func TestLimitsOfVersion2(t *testing.T) {
	top := t.TempDir()
	tree := &Tree{unified: top, v2: map[string]bool{"memory": true, "pids": true, "cpu": true}}
	dir := filepath.Join(top, "env-1")
	g := &Group{tree: tree, name: "env-1", unified: dir}
	files(t, dir, map[string]string{"memory.max": "", "memory.swap.max": "", "pids.max": "", "cpu.max": "", "cpu.weight": "",
		"memory.peak": "4096\n", "memory.events": "low 0\noom 3\noom_kill 2\n"})
	if err := g.limitMemory(128 << 20); err != nil {
		t.Error(err)
	}
	if err := g.limitProcesses(1024); err != nil {
		t.Error(err)
	}
	if err := g.limitCPU(CPUs(FullCPUMemoryMB / 2)); err != nil {
		t.Error(err)
	}
	if err := g.weighCPU(CPUs(2 * FullCPUMemoryMB)); err != nil {
		t.Error(err)
	}
	want := map[string]string{"cpu.weight": "200", "memory.max": "134217728", "memory.swap.max": "0", "pids.max": "1024", "cpu.max": "49972 100000"}
	for file, value := range want {
		if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(b) != value {
			t.Errorf("%s is %q, %v; want %q", file, b, err, value)
		}
	}
	if n, ok := g.PeakMemory(); n != 4096 || !ok {
		t.Errorf("peak memory %d, %t", n, ok)
	}
	if !g.OutOfMemory() {
		t.Error("a counted kill was not seen")
	}
}

func TestWithoutCgroupsNothingFails(t *testing.T) {
	var tree *Tree
	g, err := tree.New("env-1", Limits{MemoryBytes: 1})
	if err != nil || g != nil {
		t.Fatalf("New: %v, %v", g, err)
	}
	if _, ok := g.PeakMemory(); ok {
		t.Error("a peak that nobody measured")
	}
	if g.OutOfMemory() || tree.Can("memory") || tree.Describe() != "none" {
		t.Error("a tree that isn't there can do something")
	}
	if joins, err := g.Joins(); joins != nil || err != nil {
		t.Errorf("Joins: %v, %v", joins, err)
	}
	if err := g.Remove(); err != nil {
		t.Errorf("Remove: %v", err)
	}
}

func files(t *testing.T, dir string, content map[string]string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
