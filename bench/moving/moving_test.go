// Package moving holds the guide docs/moving-from-aws-lambda-go.md to what it
// says: it stands in this module because both libraries are at hand here.
package moving

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const guide = "../../docs/moving-from-aws-lambda-go.md"

// packages are the import paths of what the guide's code names. "lambda" is
// whichever library the code is for.
var packages = map[string]string{
	"bytes": "bytes", "context": "context", "errors": "errors", "fmt": "fmt", "io": "io", "json": "encoding/json",
	"http": "net/http", "log": "log", "os": "os", "slog": "log/slog", "strings": "strings", "testing": "testing",
	"awslambda":     "github.com/aws/aws-lambda-go/lambda",
	"events":        "github.com/aws/aws-lambda-go/events",
	"lambdacontext": "github.com/aws/aws-lambda-go/lambdacontext",
	"lambdaurl":     "github.com/aws/aws-lambda-go/lambdaurl",
	"messages":      "github.com/aws/aws-lambda-go/lambda/messages",
	"lambdahttp":    "github.com/berthdev/berth/lambda/lambdahttp",
	"lambdatest":    "github.com/berthdev/berth/lambda/lambdatest",
}

var libraries = map[string]string{
	"aws-lambda-go": "github.com/aws/aws-lambda-go/lambda",
	"berth":         "github.com/berthdev/berth/lambda",
}

var (
	block    = regexp.MustCompile("(?ms)^```go (\\S+)\n(.*?)^```$")
	selector = regexp.MustCompile(`(?:^|[^\w.])([a-z]\w*)\.[A-Z]`)
	declared = regexp.MustCompile(`(?m)\b(\w+)(?:, \w+)? :=`)
)

// program makes a file of a block: its package and its imports are left out in
// the guide.
func program(library, code string) (string, error) {
	own, ok := libraries[library]
	if !ok {
		return "", fmt.Errorf("code for %q", library)
	}
	var locals []string
	for _, m := range declared.FindAllStringSubmatch(code, -1) {
		locals = append(locals, m[1])
	}
	imports := map[string]string{}
	for _, m := range selector.FindAllStringSubmatch(code, -1) {
		name := m[1]
		switch {
		case name == "lambda":
			imports[name] = own
		case packages[name] != "" && !slices.Contains(locals, name):
			imports[name] = packages[name]
		}
	}
	var b strings.Builder
	b.WriteString("package main\n\n")
	for name, path := range imports {
		fmt.Fprintf(&b, "import %s %q\n", name, path)
	}
	b.WriteString("\n" + code)
	return b.String(), nil
}

func TestTheGuidesCodeCompiles(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "```go"); n != len(blocks) || n == 0 {
		t.Fatalf("%d of %d blocks of Go say for which library they are", len(blocks), n)
	}
	// The files exist for the compiler only: an overlay puts them in this module.
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	args := []string{"build", "-overlay", filepath.Join(dir, "overlay.json")}
	for i, m := range blocks {
		src, err := program(m[1], m[2])
		if err != nil {
			t.Fatal(err)
		}
		line := 1 + strings.Count(string(text[:strings.Index(string(text), m[2])]), "\n")
		name := fmt.Sprintf("line%d", line)
		file := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(file, []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(here, name, "main.go")] = file
		args = append(args, "./"+name)
	}
	config, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// exported finds the functions of aws-lambda-go that a table must name.
var exported = regexp.MustCompile(`(?m)^func ((?:Start|With|New)\w*)`)

func TestTheGuideNamesEveryStartAndOption(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"lambda", "lambdaurl", "lambdacontext"} {
		doc, err := exec.CommandContext(t.Context(), "go", "doc", "-all", "github.com/aws/aws-lambda-go/"+path).Output()
		if err != nil {
			t.Fatal(err)
		}
		names := exported.FindAllStringSubmatch(string(doc), -1)
		if len(names) == 0 {
			t.Errorf("package %s has no functions to start with", path)
		}
		for _, m := range names {
			if !regexp.MustCompile(`\b` + m[1] + `\b`).Match(text) {
				t.Errorf("%s.%s is not in the guide", path, m[1])
			}
		}
	}
}
