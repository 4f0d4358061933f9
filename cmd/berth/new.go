package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/berthdev/berth/internal/packaging"
	"github.com/berthdev/berth/internal/scaffold"
)

type newCommand struct {
	Name     string `arg:"" help:"The folder to make; its last part names the Go module."`
	Template string `default:"multitenant" placeholder:"NAME" help:"What the project shows (default: ${default})."`
	Arch     string `default:"" placeholder:"ARCH" help:"arm64 or x86_64, for Lambda (default: this machine's)."`
	Library  string `placeholder:"DIR" help:"The folder lambda of a checkout of Berth, to build without a network (default: that of the checkout that this berth was built from, or that is around this folder)."`
}

func (*newCommand) Help() string {
	var b strings.Builder
	b.WriteString(`Writes a function with its test, a template and a README, which run as they are.

Examples:
  berth new shop
  berth new shop --template rest && berth up shop

The templates:
`)
	for _, k := range scaffold.Kinds() {
		fmt.Fprintf(&b, "  %-11s  %s\n", k.Name, k.Shows)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (c *newCommand) Run(t terminal) error {
	p := scaffold.Project{Dir: c.Name, Kind: c.Template, Architecture: c.Arch}
	switch c.Arch {
	case packaging.ARM64, packaging.X8664:
	case "":
		p.Architecture = packaging.X8664
		if runtime.GOARCH == "arm64" {
			p.Architecture = packaging.ARM64
		}
	default:
		return &problem{fmt.Errorf("--arch %s: Lambda has no such architecture", c.Arch), "--arch " + strings.Join(packaging.Architectures(), ", or --arch ")}
	}
	var err error
	if p.Library, p.Version, err = c.library(); err != nil {
		return err
	}
	files, err := p.Write()
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "wrote %s: %s\n", c.Name, strings.Join(files, " "))
	if p.Library != "" {
		fmt.Fprintf(t.out, "it uses the library in %s, by a replace in go.mod\n", p.Library)
	}
	fmt.Fprintf(t.out, "\nTry:\n  berth up %s\n", c.Name)
	return nil
}

// release is a version that the module proxy has: neither a pseudo-version nor
// one with changes of its own.
var release = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)

// library is where a project finds the library: in a folder of this machine, or,
// if this berth is a release, under its version.
func (c *newCommand) library() (dir, version string, err error) {
	if c.Library != "" {
		dir, err = filepath.Abs(c.Library)
		if err != nil {
			return "", "", fmt.Errorf("find the library: %w", err)
		}
		if scaffold.FindLibrary(filepath.Dir(dir)) != dir {
			return "", "", &problem{fmt.Errorf("--library %s is not the library", c.Library), "--library with the folder lambda of a checkout of Berth"}
		}
		return dir, "", nil
	}
	if info, ok := debug.ReadBuildInfo(); ok && release.MatchString(info.Main.Version) {
		return "", info.Main.Version, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", "", fmt.Errorf("find the library: %w", err)
	}
	_, source, _, _ := runtime.Caller(0) // "github.com/…" where the build trimmed it
	if dir = scaffold.FindLibrary(filepath.Dir(source), here); dir == "" {
		return "", "", &problem{errors.New("the library is not on this machine, and this berth is no release"), "--library with the folder lambda of a checkout of Berth"}
	}
	return dir, "", nil
}
