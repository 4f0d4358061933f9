package process

import (
	"slices"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/sandbox"
)

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"the folder itself", "/var/task", "/code"},
		{"a file in it", "/var/task/bootstrap", "/code/bootstrap"},
		{"one of several", "/usr/bin:/var/task:/var/task/lib:/opt/lib", "/usr/bin:/code:/code/lib:/opt/lib"},
		{"a folder that only begins alike", "/var/tasks/x", "/var/tasks/x"},
		{"a path that only ends alike", "/mnt/var/task", "/mnt/var/task"},
		{"empty", "", ""},
	} {
		if got := translate(tt.in, sandbox.Spec{TaskDir: "/code"}); got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
	layered := sandbox.Spec{TaskDir: "/code", OptDir: "/layers"}
	if got, want := translate("/opt/bin:/var/task:/optional:/opt", layered), "/layers/bin:/code:/optional:/layers"; got != want {
		t.Errorf("with layers it became %q, want %q", got, want)
	}
}

func TestEnviron(t *testing.T) {
	got := environ([]string{
		"LAMBDA_TASK_ROOT=/var/task",
		"MY_OWN=/var/task/data",
		"TMPDIR=/elsewhere",
		"AWS_LAMBDA_RUNTIME_API=169.254.100.1:9001",
		"ODD",
	}, sandbox.Spec{TaskDir: "/code"}, "/run/a/tmp", "127.0.0.1:4000")
	want := []string{
		"LAMBDA_TASK_ROOT=/code",
		"MY_OWN=/var/task/data",
		"ODD",
		"AWS_LAMBDA_RUNTIME_API=127.0.0.1:4000",
		"TMPDIR=/run/a/tmp",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add("/usr/bin:/var/task/lib")
	f.Fuzz(func(t *testing.T, value string) {
		spec := sandbox.Spec{TaskDir: "/code", OptDir: "/layers"}
		got := translate(value, spec)
		if a, b := strings.Count(value, ":"), strings.Count(got, ":"); a != b {
			t.Errorf("%q has %d colons, and %q %d", value, a, got, b)
		}
		if again := translate(got, spec); again != got {
			t.Errorf("%q, then %q", got, again)
		}
	})
}
