package lambda

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// banned are the packages that a small function must not link, each with the
// reason.
var banned = map[string]string{
	"net":           "the Runtime API is one socket: syscall is enough, and 240 KB smaller",
	"net/http":      "its client costs most of an invocation's time, and it doubles the binary",
	"crypto/tls":    "the Runtime API has no TLS",
	"crypto":        "nothing here is secret or random",
	"text/template": "calls methods by name, so that the linker must keep every one",
	"html/template": "calls methods by name, so that the linker must keep every one",
	"regexp":        "its expressions are compiled when the process starts",
	"os/exec":       "the library starts nothing",
	"os/user":       "the library asks for nobody",
	"flag":          "a function has no command line",
	"testing":       "is for tests, and registers flags",
	"runtime/pprof": "is for the function's author to choose",
	"runtime/debug": "memory settings are the function's author's to choose",
}

// TestHelloWorldIsSmall looks at what the smallest function links, and how large it is.
func TestHelloWorldIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	const hello = "./internal/hello"
	tool := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=", "GOEXPERIMENT=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}

	linked := strings.Fields(tool("list", "-deps", hello))
	for name, reason := range banned {
		if i := slices.IndexFunc(linked, func(p string) bool { return p == name }); i >= 0 {
			t.Errorf("links %s, and must not: %s", linked[i], reason)
		}
	}
	for _, p := range linked {
		if host, _, ok := strings.Cut(p, "/"); ok && strings.Contains(host, ".") && !strings.HasPrefix(p, "github.com/berthdev/berth/lambda") {
			t.Errorf("links %s, and must link nothing but the standard library", p)
		}
	}

	file := filepath.Join(t.TempDir(), "bootstrap")
	tool("build", "-trimpath", "-ldflags=-s -w", "-o", file, hello)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	const most = 2_900_000
	t.Logf("%d bytes, %d packages", info.Size(), len(linked))
	if info.Size() > most {
		t.Errorf("it has %d bytes, more than %d", info.Size(), most)
	}
}
