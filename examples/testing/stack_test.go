package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The fourth way: the stack on AWS. It takes an account, and what only it can show
// are permissions, quotas and the real platform.

func TestDeployedStack(t *testing.T) {
	stack := os.Getenv("BERTH_TEST_STACK")
	if stack == "" {
		t.Skip("BERTH_TEST_STACK names no stack: deploy this example, and set it to the stack's name")
	}
	var name string
	aws(t, &name, "cloudformation", "describe-stacks", "--stack-name", stack,
		"--query", "Stacks[0].Outputs[?OutputKey=='FunctionName'].OutputValue | [0]")
	out := filepath.Join(t.TempDir(), "answer.json")
	var call struct{ FunctionError string }
	aws(t, &call, "lambda", "invoke", "--function-name", name, "--tenant-id", "berth-test",
		"--cli-binary-format", "raw-in-base64-out", "--payload", "file://events/stay.json", out)
	answer, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var bill Bill
	if err := json.Unmarshal(answer, &bill); err != nil || call.FunctionError != "" || bill.Cents != 7500 || bill.Number < 1 {
		t.Errorf("%s (%s), %v", answer, call.FunctionError, err)
	}
}

// aws runs the AWS CLI and reads what it prints into v.
func aws(t *testing.T, v any, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "aws", append(args, "--output", "json")...)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("aws %s: %v\n%s", args[0], err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, v); err != nil {
		t.Fatalf("aws %s: %v in %s", args[0], err, out)
	}
}
