package prove

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/berthdev/berth/internal/sandbox/probe"
)

// insideVar is in the environment of a process that is the probe in a function's
// place, beside the one by which it finds its Runtime API.
const insideVar = "BERTH_PROVE"

// order is an event for the probe: exactly one of its fields is set.
type order struct {
	Settle *settle `json:"settle,omitempty"`
	Attack *attack `json:"attack,omitempty"`
}

type settle struct{ Name, Secret string }

type attack struct {
	Name   string
	Target probe.Target
}

// Inside is called first in main. It returns at once, unless this process was
// started to be the probe in an environment; then it never returns.
func Inside() {
	api, ok := os.LookupEnv("AWS_LAMBDA_RUNTIME_API")
	if os.Getenv(insideVar) == "" || !ok {
		return
	}
	fmt.Println(serve("http://" + api + "/2018-06-01/runtime/invocation/"))
	os.Exit(1)
}

// serve follows orders until the Runtime API ends, and says how it did.
func serve(base string) error {
	for {
		resp, err := http.Get(base + "next")
		if err != nil {
			return err
		}
		var o order
		err = json.NewDecoder(resp.Body).Decode(&o)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		answer, err := o.follow()
		if err != nil {
			return err
		}
		b, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		done, err := http.Post(base+resp.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", bytes.NewReader(b))
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, done.Body)
		if err = errors.Join(err, done.Body.Close()); err != nil {
			return err
		}
	}
}

func (o order) follow() (any, error) {
	switch {
	case o.Settle != nil:
		// What it lays out is there until the process ends.
		target, _, err := probe.Settle(o.Settle.Name, []byte(o.Settle.Secret))
		return target, err
	case o.Attack != nil:
		return probe.Attack(o.Attack.Name, o.Attack.Target), nil
	}
	return nil, errors.New("an order without a word")
}
