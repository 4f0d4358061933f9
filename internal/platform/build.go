package platform

import (
	"context"
	"log/slog"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/packaging"
	"github.com/berthdev/berth/internal/template"
)

// deployed is a function that can be invoked.
type deployed struct {
	version  *function.Version
	artifact *packaging.Artifact
}

// buildAll makes every function of the template ready to be invoked.
func (p *Platform) buildAll(ctx context.Context) error {
	for _, f := range p.template.Functions {
		begin := time.Now()
		p.cfg.Observer.Building(f.Version.Name, f.CodeURI)
		artifact, err := packaging.Build(ctx, p.packagingSpec(f))
		if err != nil {
			return err
		}
		p.deploy(f, artifact)
		p.cfg.Observer.Built(f.Version.Name, time.Since(begin))
	}
	return nil
}

func (p *Platform) packagingSpec(f template.Function) packaging.Spec {
	return packaging.Spec{
		ID:       f.LogicalID,
		Template: p.template.File,
		Source:   f.CodeURI,
		Method:   f.BuildMethod,
		Finished: f.SkipBuild,
		Progress: func(line string) {
			p.cfg.Logger.LogAttrs(context.Background(), slog.LevelDebug, "build",
				slog.String("function", f.Version.Name), slog.String("line", line))
		},
	}
}

// deploy lets f be invoked, in place of what had its name before.
func (p *Platform) deploy(f template.Function, artifact *packaging.Artifact) {
	version := f.Version
	version.CodeDir = artifact.Dir
	p.functions.Put(&version)
	reserved := -1
	if version.ReservedConcurrency != nil {
		reserved = *version.ReservedConcurrency
	}
	p.fleet.Reserve(version.Name, reserved)
	p.fleet.Prepare(&version)

	before, had := p.deployed[version.Name]
	p.deployed[version.Name] = deployed{version: &version, artifact: artifact}
	if had {
		p.fleet.Retire(before.version)
		p.keep(before.artifact)
	}
}

// keptArtifacts is how many replaced artifacts stay: invocations of theirs may
// still be under way.
const keptArtifacts = 10

// keep holds on to an artifact that has been replaced, for a while.
func (p *Platform) keep(a *packaging.Artifact) {
	p.replaced = append(p.replaced, a)
	if len(p.replaced) > keptArtifacts {
		p.replaced[0].Close()
		p.replaced = p.replaced[1:]
	}
}

// closeArtifacts lets go of all code.
func (p *Platform) closeArtifacts() {
	for _, d := range p.deployed {
		d.artifact.Close()
	}
	for _, a := range p.replaced {
		a.Close()
	}
}
