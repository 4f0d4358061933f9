// Package template reads AWS SAM and CloudFormation templates: it decides which
// functions and which APIs a template means, and says where it is wrong.
//
// [Config.Load] reads a file and [Config.Parse] a text; both give a [Template],
// a plain value that holds nothing of YAML. Intrinsic functions are evaluated
// with the values that this machine has. A fault is an [Error] with file, line
// and column, and all faults of a template come at once; what is right and only
// not supported yet is a [Notice].
//
// The package knows nothing of builds, environments or HTTP.
package template

import (
	"fmt"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/queue"
)

// Template is what a template means.
type Template struct {
	File        string // as it was given
	Description string
	Functions   []Function  // in the order of the source
	REST        []*api.REST // in the order of the source, the implicit one last
	HTTP        []*api.HTTP // likewise
	URLs        []*api.FunctionURL
	Queues      []queue.Settings // in the order of the source
	Sources     []queue.Source   // likewise
	Notices     []Notice         // sorted by position
}

// Function is one function of a template.
type Function struct {
	LogicalID string // "Counter"

	// Version is the function's configuration. Its CodeDir is empty: that is for
	// whoever builds the code.
	Version function.Version

	CodeURI      string // the folder of the source or of the finished code, joined to the template's own
	BuildMethod  string // Metadata's BuildMethod: "go1.x", "makefile", …; empty if there is none
	SkipBuild    bool   // Metadata's SkipBuild: the code is finished
	Architecture string // "x86_64" or "arm64"; what AWS would run it on
	Description  string

	// EventInvoke is what $LATEST is set to for asynchronous invocation; nil means
	// Lambda's defaults.
	EventInvoke *function.EventInvokeConfig

	Line, Column int // of its logical ID
}

// Function returns the function with a logical ID or a name, or nil.
func (t *Template) Function(name string) *Function {
	for i, f := range t.Functions {
		if f.LogicalID == name || f.Version.Name == name {
			return &t.Functions[i]
		}
	}
	return nil
}

// Config is what a template is read for. The zero value is a good one.
type Config struct {
	Region     string            // empty means us-east-1
	Account    string            // 12 digits; empty means 123456789012, as SAM CLI has it
	StackName  string            // empty means berth
	Parameters map[string]string // values for Parameters, in place of their defaults
}

// Parse reads the text of a template with the zero Config. file is its name:
// faults begin with it, and what the template names is relative to its folder.
func Parse(file string, src []byte) (*Template, error) { return Config{}.Parse(file, src) }

// Load reads a template, or the one in a folder, with the zero Config.
func Load(path string) (*Template, error) { return Config{}.Load(path) }

// Load finds a template by [Find], reads it, and looks at what it names: a
// CodeUri must be there.
func (c Config) Load(path string) (*Template, error) {
	file, err := Find(path)
	if err != nil {
		return nil, err
	}
	src, err := readBounded(file, MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	return c.parse(file, src, true)
}

// Parse reads the text of a template. It looks at no file. The error is nil or
// holds one *Error for each fault.
func (c Config) Parse(file string, src []byte) (*Template, error) {
	return c.parse(file, src, false)
}

func (c Config) parse(file string, src []byte, look bool) (*Template, error) {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Account == "" {
		c.Account = "123456789012"
	}
	if c.StackName == "" {
		c.StackName = "berth"
	}
	r := newReport(file)
	if len(src) > MaxBytes {
		r.add(&Error{File: file, Problem: fmt.Sprintf("the template has more than %d bytes, which is the most that CloudFormation takes", MaxBytes),
			Fix: "put large parts into files of their own"})
		return nil, r.err()
	}
	root := read(r, file, nil, src)
	if root != nil && root.kind != mapping {
		if root.kind != broken {
			r.fault(root, "a template is a mapping, not "+root.kind.String(), "begin with Resources:")
		}
		root = nil
	}
	if root == nil {
		return nil, r.err()
	}
	t := &Template{File: file}
	m := maker{scope: newScope(r, c, root, look), template: t}
	m.make()
	if err := r.err(); err != nil {
		return nil, err
	}
	t.Notices = r.sortedNotices()
	return t, nil
}
