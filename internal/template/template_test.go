package template

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

const head = "Transform: AWS::Serverless-2016-10-31\nResources:\n"

const counter = `  Counter:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: bootstrap
      Runtime: provided.al2023
`

// TestExamples holds that the templates of this repository's examples are read
// without a fault and without a notice.
func TestExamples(t *testing.T) {
	var files []string
	root := filepath.Join("..", "..", "examples")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && slices.Contains(fileNames, d.Name()) {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates below %s: %v", root, err)
	}
	for _, file := range files {
		t.Run(filepath.ToSlash(filepath.Dir(file)), func(t *testing.T) {
			template, err := Load(filepath.Dir(file))
			if missing := withoutValue(err); missing != nil {
				template, err = Config{Parameters: missing}.Load(file)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range template.Notices {
				t.Error(n)
			}
		})
	}
}

// withoutValue are the parameters that a template needs and has no default for,
// with a value for each.
func withoutValue(err error) map[string]string {
	var values map[string]string
	for _, e := range Errors(err) {
		if name, ok := strings.CutPrefix(e.Path, "Parameters."); ok && strings.Contains(e.Problem, "neither a default nor a value") {
			if values == nil {
				values = map[string]string{}
			}
			values[name] = strings.Repeat("x", 32)
		}
	}
	return values
}

func TestConfig(t *testing.T) {
	const src = "Parameters:\n  Size: {Type: Number, Default: 128, MaxValue: 512}\n" + head + counter +
		"      MemorySize: !Ref Size\n      Environment:\n        Variables:\n          ARN: !GetAtt Counter.Arn\n          STACK: !Ref AWS::StackName\n"
	template, err := Config{
		Region: "cn-north-1", Account: "210987654321", StackName: "shop", Parameters: map[string]string{"Size": "256"},
	}.Parse("t.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	v := template.Function("Counter").Version
	if v.MemoryMB != 256 {
		t.Errorf("memory is %d MB, want the value that was handed in, 256", v.MemoryMB)
	}
	if got, want := v.Environment["ARN"], "arn:aws-cn:lambda:cn-north-1:210987654321:function:Counter"; got != want {
		t.Errorf("the ARN is %s, want %s", got, want)
	}
	if got := v.Environment["STACK"]; got != "shop" {
		t.Errorf("the stack is %s, want shop", got)
	}
}

func TestParametersThatAreHandedInAreChecked(t *testing.T) {
	const src = "Parameters:\n  Size: {Type: Number, Default: 128, MaxValue: 512}\n" + head + counter + "      MemorySize: !Ref Size\n"
	tests := []struct {
		name       string
		parameters map[string]string
		want       string
	}{
		{"above the declared maximum", map[string]string{"Size": "1024"}, "t.yaml:2:9: Parameters.Size: 1024 is above 512"},
		{"not a number", map[string]string{"Size": "x"}, `t.yaml:2:9: Parameters.Size: "x" is not a number`},
		{"no such parameter", map[string]string{"Sise": "256"}, `t.yaml:2:3: Parameters: a value was given for "Sise", which is no parameter of the template`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Config{Parameters: test.parameters}.Parse("t.yaml", []byte(src))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestLoadLooksAtTheCode(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "template.yaml")
	if err := os.WriteFile(file, []byte(head+counter), 0o600); err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(dir, "src")
	check := func(want string) {
		t.Helper()
		_, err := Load(dir)
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	check(file + ":6:16: Resources.Counter.Properties.CodeUri: there is no folder " + src)
	if err := os.WriteFile(src, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check(file + ":6:16: Resources.Counter.Properties.CodeUri: " + src + " is not a folder")
	if err := errors.Join(os.Remove(src), os.Mkdir(src, 0o700)); err != nil {
		t.Fatal(err)
	}
	template, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := template.Functions[0].CodeURI; got != src {
		t.Errorf("CodeUri is %s, want %s", got, src)
	}
}

func TestTooLargeATemplateIsNotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte("# "+strings.Repeat("x", MaxBytes)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(file)
	if all := Errors(err); len(all) != 1 || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestTextThatIsNotUTF8(t *testing.T) {
	_, err := Parse("t.yaml", []byte("é: 1\nü\xff: 2\n"))
	if want := "t.yaml:2:2: not UTF-8"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s: columns are runes", err, want)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + counter + "      Environment:\n        Variables:\n")
	for i := range 2000 {
		b.WriteString("          V" + strings.Repeat("x", i%7) + strings.Repeat("y", i/7) + ": !Ref Nothing\n")
	}
	_, err := Parse("t.yaml", []byte(b.String()))
	if n := len(Errors(err)); n != maxFaults {
		t.Errorf("%d faults, want %d", n, maxFaults)
	}
}

func TestErrorsOfAnErrorThatIsNone(t *testing.T) {
	if all := Errors(errors.New("another")); len(all) != 0 {
		t.Errorf("got %v", all)
	}
	if all := Errors(nil); len(all) != 0 {
		t.Errorf("got %v", all)
	}
}

// FuzzParse holds, for whatever text: there is a template or there are faults,
// each fault has a position within the text, and reading is repeatable.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"faults", "models"} {
		archives, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range archives {
			a, err := txtar.ParseFile(path)
			if err != nil {
				f.Fatal(err)
			}
			if len(a.Files[0].Data) < 10000 {
				f.Add(a.Files[0].Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		template, err := Parse("t.yaml", src)
		if (template == nil) == (err == nil) {
			t.Fatalf("a template %v and an error %v", template != nil, err)
		}
		if err != nil {
			all := Errors(err)
			if len(all) == 0 {
				t.Fatalf("an error without a fault: %v", err)
			}
			lines := strings.Count(string(src), "\n") + 1 + strings.Count(string(src), "\r") +
				strings.Count(string(src), "\u0085") + strings.Count(string(src), "\u2028") + strings.Count(string(src), "\u2029")
			for _, e := range all {
				if e.File != "t.yaml" || e.Line < 1 || e.Column < 1 || e.Line > lines+1 || e.Problem == "" {
					t.Fatalf("a fault without a position in the text: %#v", e)
				}
			}
			return
		}
		seen := map[string]bool{}
		for _, fn := range template.Functions {
			v := fn.Version
			if !functionName.MatchString(v.Name) || seen[v.Name] {
				t.Fatalf("the name %q is wrong or there twice", v.Name)
			}
			seen[v.Name] = true
			if v.MemoryMB < 128 || v.MemoryMB > 10240 || v.Timeout < 1e9 || v.Timeout > 900e9 {
				t.Fatalf("limits that Lambda does not have: %+v", v)
			}
		}
		again, err := Parse("t.yaml", src)
		if err != nil || len(again.Functions) != len(template.Functions) || len(again.Notices) != len(template.Notices) {
			t.Fatalf("read again, the template is another: %v", err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	file := filepath.Join("..", "..", "examples", "multitenant", "template.yaml")
	src, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Parse(file, src); err != nil {
			b.Fatal(err)
		}
	}
}
