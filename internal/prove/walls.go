package prove

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/sandbox/probe"
)

// Wall is one thing that a tenant must not do, and whether it could.
type Wall struct {
	Name  string `json:"name"` // "another tenant's files in /tmp"
	Holds bool   `json:"holds"`
	How   string `json:"how"` // what was in the way, or what was reached
}

// attacks are what is tried, in the words of a function's author.
var attacks = []struct{ name, attack string }{
	{"another tenant's files in /tmp", "tmp"},
	{"another tenant's files in /dev/shm", "dev-shm"},
	{"another tenant in the list of processes", "proc"},
	{"another tenant's environment variables", "environ"},
	{"another tenant's memory, by /proc", "mem"},
	{"another tenant's memory, by a system call", "vm-readv"},
	{"another tenant as a debugger sees it", "ptrace"},
	{"a signal to another tenant", "signal"},
	{"another tenant's limits", "limits"},
	{"another tenant's Runtime API", "runtime-api"},
	{"another tenant's abstract socket", "abstract"},
	{"another tenant's shared memory", "sysv-shm"},
	{"a change of the function's code", "code"},
	{"the home of the user who runs Berth", "home"},
	{"this machine's /etc/shadow", "shadow"},
	{"a change of this machine's programs", "usr"},
	{"a mount", "mount"},
	{"a user namespace, to be root in", "user-ns"},
	{"a key in the kernel's keyring", "keyring"},
	{"an io_uring", "io-uring"},
	{"a socket to the hypervisor", "packet"},
	{"this machine's clock", "clock"},
}

// The two tenants.
const (
	victim   function.TenantID = "berth-prove-a"
	attacker function.TenantID = "berth-prove-b"
)

// Walls tries each attack. The attacker is one tenant of the function, the victim
// another; both have the function's memory, variables, network and files, with
// program in place of its bootstrap. program must call [Inside] first.
func Walls(ctx context.Context, cfg Config, program string) (_ []Wall, err error) {
	dir, err := os.MkdirTemp("", "berth-prove-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the probe: %w", err)
	}
	defer os.RemoveAll(dir)
	code := filepath.Join(dir, "code")
	if err := disguise(code, cfg.Function.CodeDir, program); err != nil {
		return nil, fmt.Errorf("put the probe in the function's place: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder for the probe: %w", err)
	}
	v := cfg.Function
	v.CodeDir, v.TenantIsolation, v.Timeout = code, true, max(v.Timeout, 10*time.Second)
	v.Environment = maps.Clone(v.Environment)
	if v.Environment == nil {
		v.Environment = map[string]string{}
	}
	secret := uuid.NewString()
	v.Environment[insideVar] = secret // which makes it something to be found there

	var walls []Wall
	err = on(ctx, cfg, v, cfg.Isolation.Driver, func(s *stage) error {
		name := "berth-prove-" + uuid.NewString()
		// Where no wall stands, what the victim lays out is this machine's.
		for _, dir := range []string{"/dev/shm", os.TempDir()} {
			defer os.Remove(filepath.Join(dir, name))
		}
		var target probe.Target
		if err := s.order(ctx, victim, order{Settle: &settle{Name: name, Secret: secret}}, &target); err != nil {
			return fmt.Errorf("let the first tenant settle: %w", err)
		}
		if target.Home, err = os.UserHomeDir(); err != nil {
			target.Home = "/root"
		}
		for _, a := range attacks {
			// An attack that ends its victim has not been stopped either.
			if target.HostPID, err = s.pid(victim); err != nil {
				return fmt.Errorf("look for the first tenant: %w", err)
			}
			var verdict probe.Verdict
			if err := s.order(ctx, attacker, order{Attack: &attack{Name: a.attack, Target: target}}, &verdict); err != nil {
				// The kernel may end who tries: that, too, is a wall.
				verdict = probe.Verdict{How: "the attacker was ended: " + err.Error()}
			}
			walls = append(walls, Wall{Name: a.name, Holds: !verdict.Done, How: verdict.How})
		}
		return nil
	})
	return walls, err
}

// order gives an order to a tenant's environment and reads what it answers.
func (s *stage) order(ctx context.Context, tenant function.TenantID, o order, into any) error {
	event, err := json.Marshal(o)
	if err != nil {
		return err
	}
	answer, err := s.invoke(ctx, tenant, uuid.NewString(), event)
	if err != nil {
		return err
	}
	if answer.FunctionError {
		return fmt.Errorf("%s", answer.Payload)
	}
	return json.Unmarshal(answer.Payload, into)
}

// disguise makes a copy of a function's folder in which program is the bootstrap.
// It is open to everybody, so that only a wall keeps a tenant from writing to it.
func disguise(code, function, program string) error {
	if err := os.CopyFS(code, os.DirFS(function)); err != nil {
		return err
	}
	in, err := os.Open(program)
	if err != nil {
		return err
	}
	defer in.Close()
	bootstrap := filepath.Join(code, "bootstrap")
	if err := os.Remove(bootstrap); err != nil {
		return err
	}
	out, err := os.OpenFile(bootstrap, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	// Whatever the umask is.
	if err := os.Chmod(bootstrap, 0o755); err != nil {
		return err
	}
	return os.Chmod(code, 0o777)
}
