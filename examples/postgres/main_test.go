package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

// cluster starts a PostgreSQL for one test, as the README does by hand.
func cluster(t *testing.T) (url string) {
	t.Helper()
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if _, inPath := exec.LookPath("initdb"); (err != nil || len(installed) == 0) && inPath != nil {
		t.Skip("PostgreSQL is not installed here: initdb is missing (Debian: apt-get install postgresql)")
	}
	base, err := os.MkdirTemp("", "berth-ledger-") // t.TempDir is closed to the user postgres
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	run := func(args ...string) {
		if out, err := exec.Command("./cluster.sh", args...).CombinedOutput(); err != nil {
			t.Fatalf("cluster.sh %s: %v\n%s", args[0], err, out)
		}
	}
	dir := filepath.Join(base, "cluster")
	run("start", dir, port)
	t.Cleanup(func() { run("stop", dir) })
	return "postgres://ledger_app:local@127.0.0.1:" + port + "/ledger"
}

func TestLedger(t *testing.T) {
	url := cluster(t)

	t.Run("each tenant has its own entries", func(t *testing.T) {
		l := newLedger(url)
		if err := l.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer l.Close(t.Context())
		for _, tt := range []struct{ tenant, text, want string }{
			{"alice", "", "[]"},
			{"alice", "tea", "[tea]"},
			{"bob", "", "[]"},
			{"bob", "gold", "[gold]"},
			{"alice", "salt", "[tea salt]"},
			{"' OR true --", "", "[]"},
		} {
			got, err := l.entries(t.Context(), tt.tenant, tt.text)
			if err != nil || fmt.Sprint(got) != tt.want {
				t.Errorf("%s adds %q: %v, %v; want %s", tt.tenant, tt.text, got, err, tt.want)
			}
		}
	})

	// What the code can't do, if it had a mistake or ran somebody's statements.
	t.Run("the database keeps them apart", func(t *testing.T) {
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context())
		var rows int
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM ledger").Scan(&rows); err != nil || rows != 0 {
			t.Errorf("without a tenant %d rows are seen, %v", rows, err)
		}
		if _, err := c.Exec(t.Context(), "SELECT set_config('berth.tenant', 'bob', false)"); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			"INSERT INTO ledger (tenant, text) VALUES ('alice', 'forged')",
			"UPDATE ledger SET text = 'forged'",
			"DELETE FROM ledger",
			"ALTER TABLE ledger DISABLE ROW LEVEL SECURITY",
			"DROP POLICY tenants ON ledger",
			"SET ROLE postgres",
		} {
			if _, err := c.Exec(t.Context(), statement); err == nil {
				t.Errorf("bob may %s", statement)
			}
		}
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM ledger WHERE tenant = 'alice'").Scan(&rows); err != nil || rows != 0 {
			t.Errorf("bob sees %d rows of alice's, %v", rows, err)
		}
	})

	t.Run("in Berth", func(t *testing.T) { inBerth(t, url) })
}

// inBerth runs the function for two tenants, and looks at the connections that it
// holds from outside.
func inBerth(t *testing.T, url string) {
	watch, err := pgx.Connect(t.Context(), url+"?application_name=watch")
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close(t.Context())
	connections := func() (n int) {
		t.Helper()
		const query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ledger_app' AND application_name = 'ledger'"
		if err := watch.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	b := berthtest.Up(t, ".", "--network", "host", "--parameter", "DatabaseUrl="+url+"?application_name=ledger")
	for _, tt := range []struct {
		tenant, event string
		want          []string
	}{
		{"carol", `{"op":"list"}`, []string{}},
		{"carol", `{"op":"add","text":"10 crates of tea"}`, []string{"10 crates of tea"}},
		{"dave", `{"op":"list"}`, []string{}},
		{"carol", `{"op":"list"}`, []string{"10 crates of tea"}},
	} {
		var got Response
		if b.Call("Ledger", tt.tenant, tt.event, &got); !slices.Equal(got.Entries, tt.want) {
			t.Errorf("%s %s: %v, want %v", tt.tenant, tt.event, got.Entries, tt.want)
		}
	}
	if a := b.Invoke("Ledger", "carol", `{"op":"burn"}`); !strings.Contains(a.Payload, "UnknownOp") {
		t.Errorf("%+v", a)
	}
	if n := connections(); n < 2 {
		t.Errorf("%d connections, want one for each environment", n)
	}
	b.Stop()
	if n := connections(); n != 0 {
		t.Errorf("%d connections are left when Berth has ended", n)
	}
	closed := map[string]bool{}
	for _, l := range b.Lines() {
		if strings.Contains(l.Line, "pool closed") {
			closed[l.TenantID] = true
		}
	}
	if !closed["carol"] || !closed["dave"] {
		t.Errorf("the pools of %v were closed, want carol's and dave's", closed)
	}
}

func TestInitFailsWithoutADatabase(t *testing.T) {
	l := newLedger("postgres://ledger_app:local@127.0.0.1:1/ledger?connect_timeout=1")
	f := lambdatest.Start(t, lambda.Func(l.handle), lambda.Services(l))
	_, err := f.Invoke(t.Context(), lambdatest.Event{TenantID: "alice", Payload: []byte(`{"op":"list"}`)})
	var failure *lambdatest.FunctionError
	if !errors.As(err, &failure) || !failure.Init || !strings.Contains(failure.Message, "reach the database") {
		t.Errorf("%v, want an init error", err)
	}
	if strings.Contains(fmt.Sprint(err), "local@") {
		t.Errorf("the error tells the password: %v", err)
	}
}
