package examples

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

// A README shows what to type here in code blocks marked "sh run". This test types
// it. Lines that begin with "# " are what the command above them prints, where …
// stands for anything.
func TestREADMEs(t *testing.T) {
	pages, err := filepath.Glob("*/README.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no READMEs: %v", err)
	}
	pages = append(pages, "../docs/deploying.md")
	root, err := berthtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		t.Run(filepath.Base(filepath.Dir(page)), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			if needs.MatchString(string(text)) {
				for _, tool := range strings.Fields(needs.FindStringSubmatch(string(text))[1]) {
					if !installed(tool) {
						t.Skipf("%s needs %s, which is not installed here", page, tool)
					}
				}
			}
			blocks := blocks(string(text))
			if len(blocks) == 0 && filepath.Dir(page) != "multitenant" { // which types its commands itself
				t.Errorf("%s has no code block marked %q", page, "sh run")
			}
			terminal := terminal{t: t, root: root, page: page}
			for _, b := range blocks {
				terminal.block(b)
			}
		})
	}
}

// installed looks for a program where the pages' commands would: Debian keeps
// PostgreSQL's out of PATH.
func installed(tool string) bool {
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + tool)
	_, err := exec.LookPath(tool)
	return err == nil || len(debian) > 0
}

// command is one command of a block, and what it prints.
type command struct {
	text string
	want string // "" when the page doesn't say
}

// needs names the programs without which a page's commands can't be run.
var needs = regexp.MustCompile(`(?m)^<!-- needs (.*) -->$`)

var block = regexp.MustCompile("(?ms)^```sh run\n(.*?)^```$")

// blocks are the marked code blocks of a page.
func blocks(page string) [][]command {
	var all [][]command
	for _, match := range block.FindAllStringSubmatch(page, -1) {
		var b []command
		continued := false
		for line := range strings.Lines(match[1]) {
			line = strings.TrimSuffix(line, "\n")
			output, isOutput := strings.CutPrefix(line, "#")
			output = strings.TrimPrefix(output, " ")
			switch {
			case continued:
				b[len(b)-1].text += "\n" + line
			case isOutput && len(b) > 0:
				b[len(b)-1].want += output + "\n"
			case line != "":
				b = append(b, command{text: line})
			}
			continued = strings.HasSuffix(line, `\`)
		}
		all = append(all, b)
	}
	return all
}

// terminal is where the commands of one page are typed.
type terminal struct {
	t     *testing.T
	root  string
	page  string
	berth *berthtest.Berth // the last berth up of the page; nil before
}

// after separates the outputs of a block's commands.
const after = "\x00"

func (m *terminal) block(b []command) {
	m.t.Helper()
	b = slices.DeleteFunc(b, func(c command) bool {
		if server, ok := strings.CutSuffix(c.text, " &"); ok {
			m.background(server)
			return true
		}
		arguments, isUp := strings.CutPrefix(c.text, "go run ./cmd/berth up ")
		if isUp {
			fields := strings.Fields(arguments)
			m.berth = berthtest.Up(m.t, filepath.Join(m.root, fields[0]), fields[1:]...)
		}
		return isUp
	})
	if len(b) == 0 {
		return
	}
	var script strings.Builder
	for _, c := range b {
		fmt.Fprintf(&script, "%s\nprintf '\\0'\n", m.local(c.text))
	}
	cmd := exec.CommandContext(m.t.Context(), "bash", "-euo", "pipefail")
	cmd.Dir = m.root
	cmd.Stdin = strings.NewReader(script.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	outputs := strings.Split(string(stdout), after)
	if err != nil {
		m.t.Fatalf("%s: %s\n%v\n%s", m.page, b[min(len(outputs), len(b))-1].text, err, &stderr)
	}
	for i, c := range b {
		if c.want != "" && !pattern(c.want).MatchString(strings.TrimSpace(outputs[i])) {
			m.t.Errorf("%s: %s\nprints\n%s\nand not\n%s", m.page, c.text, outputs[i], c.want)
		}
	}
}

// background starts a server, and returns when it has said its first line.
func (m *terminal) background(text string) {
	m.t.Helper()
	cmd := exec.Command("bash", "-c", text)
	cmd.Dir = m.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run and what it runs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // killed
	})
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		m.t.Fatalf("%s: %s said nothing: %v", m.page, text, err)
	}
}

// local is a command with the berth and the ports of this test.
func (m *terminal) local(text string) string {
	text = strings.ReplaceAll(text, "go run ./cmd/berth ", berthtest.Binary(m.t)+" ")
	if m.berth == nil {
		return text
	}
	text = strings.ReplaceAll(text, "/berth invoke ", "/berth invoke --service "+strings.TrimPrefix(m.berth.Service, "http://")+" ")
	text = strings.ReplaceAll(text, "http://127.0.0.1:4566", m.berth.Service)
	for i, gateway := range m.berth.Gateways {
		text = strings.ReplaceAll(text, fmt.Sprintf("http://127.0.0.1:%d", 3000+i), gateway)
	}
	return text
}

// pattern matches an output as a page shows it.
func pattern(want string) *regexp.Regexp {
	parts := strings.Split(strings.TrimSpace(want), "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)
}
