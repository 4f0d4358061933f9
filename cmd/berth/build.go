package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/berthdev/berth/internal/packaging"
	"github.com/berthdev/berth/internal/template"
)

// source is what berth build and berth package read.
type source struct {
	Template  string            `arg:"" optional:"" default:"." help:"A template, or the folder that holds one (default: this folder)."`
	Arch      string            `placeholder:"ARCH" help:"arm64 or x86_64, for every function. Without it each is built for its own Architectures."`
	Out       string            `placeholder:"DIR" help:"Where the result goes (default: .berth beside the template)."`
	Function  []string          `placeholder:"NAME" help:"Only this function; may be given again."`
	Parameter map[string]string `placeholder:"NAME=VALUE" help:"Values of the template's parameters."`
	Verbose   bool              `short:"v" help:"Print what the tools say while all is well, too."`
}

// built is a function that was built for AWS.
type built struct {
	function     template.Function
	architecture string
	artifact     *packaging.Artifact
	took         time.Duration
}

// load reads the template and picks the functions.
func (c *source) load(t terminal) (*template.Template, []template.Function, error) {
	if c.Arch != "" && c.Arch != packaging.ARM64 && c.Arch != packaging.X8664 {
		return nil, nil, &problem{fmt.Errorf("--arch %s: Lambda has no such architecture", c.Arch), "--arch " + strings.Join(packaging.Architectures(), ", or --arch ")}
	}
	read, err := template.Config{Parameters: c.Parameter}.Load(c.Template)
	if err != nil {
		return nil, nil, err
	}
	if len(read.Functions) == 0 {
		for _, n := range read.Notices {
			fmt.Fprintln(t.err, "berth:", n)
		}
		return nil, nil, &problem{fmt.Errorf("%s holds no function whose code is on this machine", read.File), "a resource of the type AWS::Serverless::Function with a CodeUri"}
	}
	if len(c.Function) == 0 {
		return read, read.Functions, nil
	}
	var chosen []template.Function
	for _, name := range c.Function {
		f := read.Function(name)
		if f == nil {
			var names []string
			for _, f := range read.Functions {
				names = append(names, f.LogicalID)
			}
			return nil, nil, &problem{fmt.Errorf("%s has no function %s", read.File, name), "--function with one of " + strings.Join(names, ", ")}
		}
		chosen = append(chosen, *f)
	}
	return read, chosen, nil
}

// out is the folder for results: --out, or one beside the template.
func (c *source) out(read *template.Template, kind string) string {
	return cmp.Or(c.Out, filepath.Join(filepath.Dir(read.File), packaging.Outputs, kind))
}

// build builds one function.
func (c *source) build(ctx context.Context, t terminal, read *template.Template, f template.Function) (built, error) {
	b := built{function: f, architecture: cmp.Or(c.Arch, f.Architecture)}
	begin := time.Now()
	spec := packaging.Spec{
		ID: f.LogicalID, Template: read.File, Source: f.CodeURI, Method: f.BuildMethod, Finished: f.SkipBuild,
		Architecture: b.architecture,
	}
	if c.Verbose {
		spec.Progress = func(line string) { fmt.Fprintln(t.err, line) }
	}
	var err error
	b.artifact, err = packaging.Build(ctx, spec)
	b.took = time.Since(begin)
	return b, err
}

type buildCommand struct{ source }

func (*buildCommand) Help() string {
	return `Builds each function for Lambda, which is Linux on arm64 or x86_64 whatever this
machine is: with the Go toolchain, or with the function's Makefile where the
template says BuildMethod: makefile. The same source gives the same bytes in any
folder. What is up to date already is not built again.

Examples:
  berth build
  berth build examples/multitenant --arch arm64
  berth build --function Counter --out dist`
}

func (c *buildCommand) Run(ctx context.Context, t terminal) error {
	read, functions, err := c.load(t)
	if err != nil {
		return err
	}
	out := c.out(read, "build")
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FUNCTION\tARCHITECTURE\tFOLDER\tTOOK\t")
	for _, f := range functions {
		b, err := c.build(ctx, t, read, f)
		if err != nil {
			return err
		}
		changed, err := b.artifact.Export(out, f.LogicalID)
		b.artifact.Close()
		if err != nil {
			return err
		}
		note := ""
		if !changed {
			note = "unchanged"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", f.LogicalID, b.architecture, filepath.Join(out, f.LogicalID), b.took.Round(time.Millisecond), note)
	}
	return table.Flush()
}

type packageCommand struct{ source }

func (*packageCommand) Help() string {
	return `Builds each function as berth build does, and puts it into a zip that Lambda
takes. The zip depends on the code alone: from another folder, or at another
time, it is the same byte for byte, and so is the hash, which is what Lambda shows
as CodeSha256. Code that is larger than Lambda takes is refused.

Examples:
  berth package
  berth package examples/multitenant --arch arm64 --out dist
  aws lambda update-function-code --function-name Counter --zip-file fileb://.berth/package/Counter.zip`
}

func (c *packageCommand) Run(ctx context.Context, t terminal) error {
	read, functions, err := c.load(t)
	if err != nil {
		return err
	}
	out := c.out(read, "package")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make the folder for the packages: %w", err)
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FUNCTION\tARCHITECTURE\tZIP\tBYTES\tUNPACKED\tFILES\tCODESHA256")
	var indirect []string
	for _, f := range functions {
		b, err := c.build(ctx, t, read, f)
		if err != nil {
			return err
		}
		file := filepath.Join(out, f.LogicalID+".zip")
		z, err := pack(file, b.artifact.Dir)
		b.artifact.Close()
		if err != nil {
			return fmt.Errorf("package %s: %w", f.LogicalID, err)
		}
		if !z.Direct() {
			indirect = append(indirect, file)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", f.LogicalID, b.architecture, file, z.Bytes, z.Unzipped, z.Files, z.SHA256)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, file := range indirect {
		fmt.Fprintf(t.err, "berth: %s has more than %d bytes, the most that Lambda takes in a request\n  try: upload it to S3, as sam deploy does\n", file, packaging.MaxZip)
	}
	return nil
}

// pack writes the zip of a folder, in place of an earlier one.
func pack(file, dir string) (z packaging.Zip, err error) {
	work, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-")
	if err != nil {
		return z, fmt.Errorf("write %s: %w", file, err)
	}
	defer os.Remove(work.Name()) // gone already if all went well
	defer work.Close()
	if z, err = packaging.WriteZip(work, dir); err != nil {
		return z, err
	}
	if err := work.Chmod(0o644); err != nil {
		return z, fmt.Errorf("write %s: %w", file, err)
	}
	if err := work.Close(); err != nil {
		return z, fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(work.Name(), file); err != nil {
		return z, fmt.Errorf("write %s: %w", file, err)
	}
	return z, nil
}
