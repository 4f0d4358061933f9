package isolation

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/berthdev/berth/internal/sandbox/probe"
)

// What follows runs inside of sandboxes: the test binary is its own function.

// roleVar says which tenant's function this process is.
const (
	roleVar   = "BERTH_PROBE"
	secretVar = "BERTH_PROBE_SECRET"
)

// beTenant returns at once outside of a sandbox, and never inside.
func beTenant() {
	role, ok := os.LookupEnv(roleVar)
	if !ok {
		return
	}
	var err error
	if name, ok := strings.CutPrefix(role, "victim "); ok {
		err = beVictim(name)
	} else {
		err = beAttacker(role)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// beVictim lays the secret out, tells the test where, and stays until the test
// leaves.
func beVictim(name string) error {
	t, leave, err := probe.Settle(name, []byte(os.Getenv(secretVar)))
	defer leave()
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(conn).Encode(t); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

// beAttacker asks the test for a target, tries the attack, and reports.
func beAttacker(attack string) error {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		return err
	}
	var t probe.Target
	if err := json.NewDecoder(conn).Decode(&t); err != nil {
		return err
	}
	return json.NewEncoder(conn).Encode(probe.Attack(attack, t))
}
