package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// language is one way to write a function: a language with a runtime client that
// somebody else has made for Lambda, and that is taken as it is.
type language struct {
	name   string // of its folder in testdata
	client string // the runtime client

	// Programs are what this machine must have, by absolute path where the
	// sandbox must see them, too: there it is the host's /usr and no more.
	programs []program
	// build makes the function's folder out of a copy of the language's.
	build [][]string

	handler   string // handed on as _HANDLER
	memoryMB  int
	errorType string // what the client calls the function's error
}

// program is one that a language needs, and the Debian package that has it.
type program struct{ path, pkg string }

var languages = []language{
	{
		name: "berth", client: "github.com/berthdev/berth/lambda",
		build:   [][]string{{"go", "build", "-o", "$OUT/bootstrap", "./testdata/berth"}},
		handler: "bootstrap", memoryMB: 256, errorType: "errorString",
	},
	{
		name: "aws-lambda-go", client: "github.com/aws/aws-lambda-go 1.55.0",
		build:   [][]string{{"env", "-C", "$OUT", "GOWORK=off", "go", "build", "-o", "bootstrap", "."}},
		handler: "bootstrap", memoryMB: 256, errorType: "errorString",
	},
	{
		name: "python", client: "awslambdaric 4.2.2",
		programs: []program{{"/usr/bin/python3", "python3 python3-pip"}},
		build: [][]string{{"/usr/bin/python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore",
			"--only-binary", ":all:", "--target", "$OUT", "--requirement", "$OUT/requirements.txt"}},
		handler: "function.handle", memoryMB: 256, errorType: "ValueError",
	},
	{
		name: "node", client: "aws-lambda-ric 4.0.2",
		programs: []program{{"/usr/bin/node", "nodejs"}, {"npm", "npm"}, {"cmake", "cmake"}, {"c++", "g++"}, {"make", "make"}, {"xz", "xz-utils"}},
		build:    [][]string{{"npm", "ci", "--prefix", "$OUT", "--no-audit", "--no-fund", "--loglevel", "error"}},
		handler:  "function.handle", memoryMB: 512, errorType: "RangeError",
	},
	{
		name: "rust", client: "lambda_runtime 1.5.0",
		programs: []program{{"cargo", "cargo"}},
		build: [][]string{
			{"cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", "$OUT/Cargo.toml"},
			{"cp", "$OUT/target/release/bootstrap", "$OUT/bootstrap"},
			{"rm", "-r", "$OUT/target"},
		},
		handler: "bootstrap", memoryMB: 256, errorType: "OrderError",
	},
	{
		name: "java", client: "aws-lambda-java-runtime-interface-client 2.9.0",
		programs: []program{{"/usr/bin/java", "default-jre-headless"}, {"javac", "default-jdk-headless"}, {"mvn", "maven"}},
		build: [][]string{
			{"mvn", "--batch-mode", "--quiet", "--file", "$OUT/pom.xml", "dependency:copy-dependencies", "-DoutputDirectory=lib"},
			{"javac", "--release", "17", "-cp", "$OUT/lib/*", "-d", "$OUT", "$OUT/Function.java"},
		},
		handler: "Function::handleRequest", memoryMB: 512, errorType: "java.lang.IllegalArgumentException",
	},
}

// requirePrograms skips the test where the language is not installed.
func requirePrograms(t *testing.T, l language) {
	t.Helper()
	for _, p := range l.programs {
		if _, err := exec.LookPath(p.path); err != nil {
			t.Skipf("%s is not here: apt-get install %s", p.path, p.pkg)
		}
	}
}

// built returns the folder of a language's function, which is kept in the user's
// cache for as long as neither its source nor its tools change. Go builds it anew
// each time: Go has a cache of its own.
func built(ctx context.Context, l language, temporary string) (string, error) {
	if l.programs == nil {
		return temporary, l.make(ctx, temporary)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	name, err := l.contents(ctx)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "berth", "conformance", l.name+"-"+name)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "work-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", err
	}
	if err := l.make(ctx, work); err != nil {
		return "", err
	}
	// Another test may have been faster: then its folder is as good.
	if err := os.Rename(work, folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return folder, nil
}

// contents names what a build is made of: the sources, and the tools' versions.
func (l language) contents(ctx context.Context) (string, error) {
	sum := sha256.New()
	root := os.DirFS(filepath.Join("testdata", l.name))
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, path)
		fmt.Fprintf(sum, "%q %q\n", path, b)
		return err
	})
	if err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "%q\n", l.build)
	for _, p := range l.programs[:1] {
		out, err := exec.CommandContext(ctx, p.path, "--version").Output()
		if err != nil {
			return "", fmt.Errorf("ask %s for its version: %w", p.path, err)
		}
		fmt.Fprintf(sum, "%q\n", out)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// make builds the function in the folder out.
func (l language) make(ctx context.Context, out string) error {
	if err := os.CopyFS(out, os.DirFS(filepath.Join("testdata", l.name))); err != nil {
		return err
	}
	for _, command := range l.build {
		var words []string
		for _, word := range command {
			words = append(words, os.Expand(word, func(string) string { return out }))
		}
		var output bytes.Buffer
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w\n%s", command[0], err, &output)
		}
	}
	// A copied file has lost the right to be run.
	return os.Chmod(filepath.Join(out, "bootstrap"), 0o755)
}
