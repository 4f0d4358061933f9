package process

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/sandbox"
)

// translate puts the host's paths in the place of /var/task and, if there are
// layers, of /opt, as a path alone or as one of several between colons, as in
// PATH. Other values stay as they are.
func translate(value string, spec sandbox.Spec) string {
	parts := strings.Split(value, ":")
	for i, p := range parts {
		if rest, ok := strings.CutPrefix(p, "/var/task"); ok && (rest == "" || rest[0] == '/') {
			parts[i] = spec.TaskDir + rest
		} else if rest, ok := strings.CutPrefix(p, "/opt"); ok && (rest == "" || rest[0] == '/') && spec.OptDir != "" {
			parts[i] = spec.OptDir + rest
		}
	}
	return strings.Join(parts, ":")
}

// pathVariables are those of Lambda's environment that name places in the file
// system. A function's own variables are not touched: what stands in them may be
// anything.
var pathVariables = []string{"LAMBDA_TASK_ROOT", "PATH", "LD_LIBRARY_PATH"}

// environ is the function's environment as it must be where the file system is
// the host's.
func environ(env []string, spec sandbox.Spec, tmpDir, runtimeAPI string) []string {
	ours := []string{"TMPDIR", "AWS_LAMBDA_RUNTIME_API"}
	out := make([]string, 0, len(env)+len(ours))
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		switch {
		case slices.Contains(ours, key):
		case slices.Contains(pathVariables, key):
			out = append(out, key+"="+translate(value, spec))
		default:
			out = append(out, kv)
		}
	}
	return append(out, "AWS_LAMBDA_RUNTIME_API="+runtimeAPI, "TMPDIR="+tmpDir)
}

// command is the command with the host's path to its program.
func command(argv []string, spec sandbox.Spec) []string {
	out := slices.Clone(argv)
	out[0] = filepath.Clean(translate(out[0], spec))
	return out
}
