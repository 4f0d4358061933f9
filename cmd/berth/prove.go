package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/packaging"
	"github.com/berthdev/berth/internal/platform"
	"github.com/berthdev/berth/internal/prove"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/isolation"
	"github.com/berthdev/berth/internal/template"
)

type proveCommand struct {
	Function  string            `arg:"" help:"The function's name, as in the template."`
	Template  string            `arg:"" optional:"" default:"." help:"A SAM template, or the folder that holds one (default: this folder)."`
	Event     []string          `placeholder:"FILE" help:"A file with an event to replay; may be given again. Without one the event is {}."`
	Tenants   []string          `default:"alice,bob" placeholder:"ID,ID" help:"The tenants who send the events, in turns (default: ${default})."`
	Rounds    int               `default:"2" placeholder:"N" help:"How often each tenant sends each event (default: ${default})."`
	Isolation string            `placeholder:"DRIVER" help:"The weakest isolation to accept. Without it the strongest that this machine gives is taken."`
	Network   string            `default:"none" enum:"none,host" help:"What the function reaches: none, or host (default: ${default})."`
	Parameter map[string]string `placeholder:"NAME=VALUE" help:"Values of the template's parameters."`
	JSON      bool              `name:"json" help:"Print JSON."`
}

func (*proveCommand) Help() string {
	return `First two tenants try, from inside of the function's own environments, to reach
each other and this machine. Then the events are replayed: to an environment for
each tenant, and to one that all tenants share, as a function without tenant
isolation has them. Where the answers differ, one depended on another tenant.

The exit status is 1 if a wall is open.

Examples:
  berth prove Counter examples/multitenant --event examples/multitenant/events/alice.json
  berth prove Orders --event order.json --event refund.json --tenants acme,globex --rounds 3`
}

// proof is what berth prove prints.
type proof struct {
	Function  string           `json:"function"`
	Isolation string           `json:"isolation"`
	Isolated  bool             `json:"tenantIsolation"` // as the template has it
	Walls     []prove.Wall     `json:"walls"`
	Answers   []prove.Answered `json:"answers"`
}

func (c *proveCommand) Run(ctx context.Context, t terminal) (err error) {
	requests, err := c.requests()
	if err != nil {
		return err
	}
	f, read, err := c.load()
	if err != nil {
		return err
	}
	artifact, err := packaging.Build(ctx, packaging.Spec{
		ID: f.LogicalID, Template: read.File, Source: f.CodeURI, Method: f.BuildMethod, Finished: f.SkipBuild,
	})
	if err != nil {
		return err
	}
	defer artifact.Close()
	f.Version.CodeDir = artifact.Dir
	walls, err := isolation.Open(ctx, isolation.Config{Weakest: c.Isolation, Network: sandbox.Network(c.Network)})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := walls.Close(); err == nil {
			err = cerr
		}
	}()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cfg := prove.Config{
		Function: f.Version, Isolation: walls, Network: sandbox.Network(c.Network),
		Region: platform.Region, Account: platform.Account,
	}
	p := proof{Function: f.Version.Name, Isolation: walls.Name, Isolated: f.Version.TenantIsolation}
	if p.Walls, err = prove.Walls(ctx, cfg, program); err != nil {
		return err
	}
	if p.Answers, err = prove.Replay(ctx, cfg, requests); err != nil {
		return err
	}
	if err := c.print(t, p); err != nil {
		return err
	}
	return p.verdict()
}

// load finds the function in the template.
func (c *proveCommand) load() (*template.Function, *template.Template, error) {
	read, err := template.Config{Region: platform.Region, Account: platform.Account, Parameters: c.Parameter}.Load(c.Template)
	if err != nil {
		return nil, nil, err
	}
	f := read.Function(c.Function)
	if f == nil {
		var names []string
		for _, f := range read.Functions {
			names = append(names, f.LogicalID)
		}
		return nil, nil, &problem{fmt.Errorf("%s has no function %s", read.File, c.Function), "berth prove with one of " + strings.Join(names, ", ")}
	}
	return f, read, nil
}

// requests are what the flags ask to replay: the tenants take turns, so that each
// comes after another.
func (c *proveCommand) requests() ([]prove.Request, error) {
	type named struct {
		name  string
		event []byte
	}
	events := []named{{"{}", []byte("{}")}}
	if len(c.Event) > 0 {
		events = nil
	}
	for _, file := range c.Event {
		event, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the event: %w", err)
		}
		if !json.Valid(event) {
			return nil, fmt.Errorf("read the event: %s holds no JSON", file)
		}
		events = append(events, named{filepath.Base(file), event})
	}
	switch {
	case len(c.Tenants) < 2:
		return nil, &problem{fmt.Errorf("--tenants %s: it takes two to share", strings.Join(c.Tenants, ",")), "--tenants alice,bob"}
	case c.Rounds < 1:
		return nil, &problem{fmt.Errorf("--rounds %d: each event is sent once at least", c.Rounds), "--rounds 2"}
	}
	var all []prove.Request
	for range c.Rounds {
		for _, e := range events {
			for _, id := range c.Tenants {
				tenant, err := function.ParseTenantID(id)
				if err != nil {
					return nil, err
				}
				all = append(all, prove.Request{Tenant: tenant, Name: e.name, Event: e.event})
			}
		}
	}
	return all, nil
}

// verdict is an error if a wall is open.
func (p proof) verdict() error {
	open := 0
	for _, w := range p.Walls {
		if !w.Holds {
			open++
		}
	}
	if open == 0 {
		return nil
	}
	return &problem{fmt.Errorf("%d of %d walls are open under the isolation %s", open, len(p.Walls), p.Isolation),
		"berth doctor, which says what this machine lacks for a stronger one"}
}

func (c *proveCommand) print(t terminal, p proof) error {
	if c.JSON {
		return json.NewEncoder(t.out).Encode(p)
	}
	fmt.Fprintf(t.out, "%s under the isolation %s: what one tenant tries against another, and against this machine\n\n", p.Function, p.Isolation)
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WALL\tVERDICT\tHOW")
	for _, w := range p.Walls {
		verdict := "holds"
		if !w.Holds {
			verdict = "OPEN"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", w.Name, verdict, w.How)
	}
	if err := table.Flush(); err != nil {
		return err
	}

	fmt.Fprintf(t.out, "\nThe same requests to an environment for each tenant, and to one that all share\n\n")
	fmt.Fprintln(table, "REQUEST\tTENANT\tEVENT\tPART\tOWN\tSHARED")
	leaks := 0
	for i, a := range p.Answers {
		if !a.Leaks() {
			fmt.Fprintf(table, "%d\t%s\t%s\tthe same\t\t\n", i+1, a.Tenant, a.Event)
			continue
		}
		leaks++
		for _, d := range a.Differences {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", i+1, a.Tenant, a.Event, d.Path, brief(d.Alone), brief(d.Shared))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\n%s\n", p.conclusion(leaks))
	return nil
}

// conclusion says what the replay comes to.
func (p proof) conclusion(leaks int) string {
	switch {
	case leaks == 0:
		return "No answer depended on another tenant. That holds for these requests; --event replays others."
	case p.Isolated:
		return fmt.Sprintf("%d of %d answers depended on another tenant where they shared an environment: that is what the function's tenant isolation keeps from happening.", leaks, len(p.Answers))
	}
	return fmt.Sprintf("%d of %d answers depended on another tenant: the function has no tenant isolation, so its tenants share environments. TenancyConfig: {TenantIsolationMode: PER_TENANT} gives each their own.", leaks, len(p.Answers))
}

// brief is a value that fits into a table.
func brief(value string) string {
	const most = 60
	switch runes := []rune(value); {
	case value == "":
		return "-"
	case len(runes) > most:
		return string(runes[:most-1]) + "…"
	}
	return value
}
