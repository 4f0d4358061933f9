package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/berthdev/berth/internal/platform"
)

type tenantsCommand struct {
	JSON    bool   `name:"json" help:"Print JSON."`
	Service string `default:"127.0.0.1:4566" placeholder:"ADDR" help:"Where berth up serves Lambda's API (default: ${default})."`
}

func (*tenantsCommand) Help() string {
	return `One line for each execution environment: whose it is, which process to look
for on this machine, and how many invocations it has had.

Examples:
  berth tenants
  berth tenants --json`
}

func (c *tenantsCommand) Run(ctx context.Context, t terminal) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Service+platform.StatusPath, nil)
	if err != nil {
		return fmt.Errorf("ask for the environments: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return unreachable(c.Service, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("ask for the environments: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return refusal(response, body)
	}
	if c.JSON {
		_, err := t.out.Write(append(body, '\n'))
		return err
	}
	var status platform.Status
	if err := json.Unmarshal(body, &status); err != nil {
		return fmt.Errorf("read the environments: %w", err)
	}
	return c.print(t.out, status)
}

func (c *tenantsCommand) print(w io.Writer, s platform.Status) error {
	fmt.Fprintf(w, "isolation: %s (%s)\n", s.Isolation, s.Promise)
	if len(s.Environments) == 0 {
		fmt.Fprintln(w, "no execution environment is live; the first invocation starts one")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TENANT\tFUNCTION\tENVIRONMENT\tSTATE\tPID\tINVOCATIONS\tAGE\tIDLE")
	for _, e := range s.Environments {
		tenant, idle := e.Tenant, "-"
		if tenant == "" {
			tenant = "-"
		}
		if e.IdleSeconds != nil {
			idle = seconds(*e.IdleSeconds)
		}
		fmt.Fprintf(table, "%s\t%s:%s\t%s\t%s\t%d\t%d\t%s\t%s\n",
			tenant, e.Function, e.Version, short(e.ID), e.State, e.PID, e.Invocations, seconds(e.AgeSeconds), idle)
	}
	return table.Flush()
}

func seconds(s float64) string {
	return (time.Duration(s * float64(time.Second))).Round(time.Second).String()
}

// short is how an environment's ID is shown to a person.
func short(id string) string { return id[:min(8, len(id))] }
