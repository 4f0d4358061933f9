package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// workshop is the scratch folder with what the run has built.
type workshop struct {
	dir      string
	berth    string   // the command
	template string   // of the one function
	emulator string   // "" if it can't be had
	missing  []string // what can't be had, and why
}

// emulatorModule is AWS's emulator. It has no tagged versions that Go knows.
const emulatorModule = "github.com/aws/aws-lambda-runtime-interface-emulator"

func newWorkshop(ctx context.Context, emulator string) (_ *workshop, err error) {
	w := &workshop{emulator: emulator}
	if w.dir, err = os.MkdirTemp("", "berth-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if err := os.Chmod(w.dir, 0o755); err != nil {
		return nil, err
	}
	w.berth = filepath.Join(w.dir, "berth")
	code := filepath.Join(w.dir, "code")
	for out, pkg := range map[string]string{
		w.berth:                          "github.com/berthdev/berth/cmd/berth",
		filepath.Join(code, "bootstrap"): "github.com/berthdev/berth/bench/twins/raw/berth",
	} {
		if err := tool(ctx, "", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg); err != nil {
			return nil, err
		}
	}
	w.template = filepath.Join(w.dir, "template.yaml")
	if err := os.WriteFile(w.template, []byte(`AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties:
      FunctionName: Echo
      CodeUri: code
      Handler: bootstrap
      Runtime: provided.al2023
      TenancyConfig: {TenantIsolationMode: PER_TENANT}
`), 0o644); err != nil {
		return nil, err
	}
	if w.emulator == "" {
		if err := w.buildEmulator(ctx); err != nil {
			w.missing = append(w.missing, "AWS's Runtime Interface Emulator is not in this run, because the Go module proxy does not give it: "+lastLine(err))
		}
	}
	return w, nil
}

// buildEmulator fetches and builds the emulator in a module of its own.
func (w *workshop) buildEmulator(ctx context.Context) error {
	dir := filepath.Join(w.dir, "emulator")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module scratch\n\ngo 1.26.0\n"), 0o644); err != nil {
		return err
	}
	path := filepath.Join(dir, "aws-lambda-rie")
	if err := tool(ctx, dir, "go", "get", emulatorModule+"/cmd/aws-lambda-rie@latest"); err != nil {
		return err
	}
	if err := tool(ctx, dir, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, emulatorModule+"/cmd/aws-lambda-rie"); err != nil {
		return err
	}
	w.emulator = path
	return nil
}

func (w *workshop) close() { _ = os.RemoveAll(w.dir) } // a scratch folder that stays harms nobody

// tool runs a command to its end, outside of the workspace if it has a folder of
// its own.
func tool(ctx context.Context, dir string, words ...string) error {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = dir
	if dir != "" {
		cmd.Env = append(os.Environ(), "GOWORK=off")
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(words[:2], " "), err, strings.TrimSpace(output.String()))
	}
	return nil
}

// lastLine is what an error comes down to: tools say that at the end.
func lastLine(err error) string {
	text := strings.TrimSpace(err.Error())
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
