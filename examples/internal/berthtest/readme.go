package berthtest

import (
	"os"
	"strings"
	"testing"
)

// Commands are the lines of README.md in the working directory that begin with a
// command, below a heading and above the next.
func Commands(t testing.TB, heading, command string) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	within := false
	for line := range strings.Lines(string(readme)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "## ") {
			within = line == "## "+heading
		}
		if within && strings.HasPrefix(line, command+" ") {
			found = append(found, line)
		}
	}
	if len(found) == 0 {
		t.Fatalf("README.md has no %s below %q", command, heading)
	}
	return found
}
