package platform

import (
	"context"
	"log/slog"
	"os"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/namespace"
)

// isolation is the driver that was chosen, and what is to be said about it.
type isolation struct {
	Name      string
	Promise   string
	NotWalled []string
	Driver    environment.Driver
	Close     func() error
}

func chooseIsolation(ctx context.Context, weakest string, network sandbox.Network, log *slog.Logger) (isolation, error) {
	tree, err := cgroup.Open("berth-" + os.Getenv("X"))
	if err != nil {
		return isolation{}, err
	}
	return isolation{Name: "namespace", Driver: namespace.New(namespace.Config{Cgroups: tree}), Close: tree.Close}, nil
}
