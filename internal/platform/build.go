package platform

import (
	"context"
	"log/slog"
	"time"

	"github.com/berthdev/berth/internal/packaging"
	"github.com/berthdev/berth/internal/template"
)

// build makes every function of the template ready to be invoked.
func (p *Platform) build(ctx context.Context) error {
	for _, f := range p.template.Functions {
		if err := p.buildFunction(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (p *Platform) buildFunction(ctx context.Context, f template.Function) error {
	begin := time.Now()
	p.cfg.Observer.Building(f.Version.Name, f.CodeURI)
	artifact, err := packaging.Build(ctx, packaging.Spec{
		ID:       f.LogicalID,
		Template: p.template.File,
		Source:   f.CodeURI,
		Method:   f.BuildMethod,
		Finished: f.SkipBuild,
		Progress: func(line string) {
			p.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "build", slog.String("function", f.Version.Name), slog.String("line", line))
		},
	})
	if err != nil {
		return err
	}
	p.artifacts = append(p.artifacts, artifact)
	version := f.Version
	version.CodeDir = artifact.Dir
	p.functions.Put(&version)
	if n := version.ReservedConcurrency; n != nil {
		p.fleet.Reserve(version.Name, *n)
	}
	p.fleet.Prepare(&version)
	p.cfg.Observer.Built(version.Name, time.Since(begin))
	return nil
}
