package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands that the README shows are typed here as they stand there, but for
// the addresses and for go run, which the tests' own binary saves.
func TestREADME(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(page), "\\\n", " ")
	lines := regexp.MustCompile(`(?m)^(curl '|go run \./cmd/berth (?:tenants|invoke|doctor)).*$`).FindAllString(joined, -1)
	if len(lines) < 6 {
		t.Fatalf("the README shows %d commands to try: %q", len(lines), lines)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	b := up(t, repository+"/examples/multitenant")
	address := strings.TrimPrefix(b.service, "http://")
	for _, line := range lines {
		text, said, _ := strings.Cut(line, "#")
		text = strings.ReplaceAll(text, "http://127.0.0.1:3000", b.gateway)
		text = strings.ReplaceAll(text, "go run ./cmd/berth invoke", path+" invoke --service "+address)
		text = strings.ReplaceAll(text, "go run ./cmd/berth tenants", path+" tenants --service "+address)
		text = strings.ReplaceAll(text, "go run ./cmd/berth", path)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", text)
		cmd.Dir = repository
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		if want := regexp.MustCompile(`"requestCount":\d+`).FindString(said); want != "" && !strings.Contains(string(out), want) {
			t.Errorf("%s\nprinted %s", line, out)
		}
	}
}
