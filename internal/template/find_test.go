package template

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	write := func(names ...string) {
		for _, name := range names {
			file := filepath.Join(root, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("all/template.yaml", "all/template.yml", "all/template.json", "yml/template.yml", "yml/template.json",
		"json/template.json", "other/stack.yaml", "parent/template.yaml", "parent/src/main.go", "hidden/.git/template.yaml")
	assembly := func(dir string, stacks ...string) {
		t.Helper()
		write(dir + "/manifest.json")
		artifacts := `"Tree":{"type":"cdk:tree","properties":{"file":"tree.json"}}`
		for _, s := range stacks {
			if filepath.IsLocal(s) {
				write(dir + "/" + s)
			}
			artifacts += `,"` + s + `":{"type":"aws:cloudformation:stack","properties":{"templateFile":"` + s + `"}}`
		}
		if err := os.WriteFile(filepath.Join(root, dir, "manifest.json"), []byte(`{"artifacts":{`+artifacts+`}}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	assembly("cdk/project/cdk.out", "Shop.template.json")
	assembly("cdk/two", "B.template.json", "A.template.json")
	assembly("cdk/outside", "../../all/template.json")
	if err := os.MkdirAll(filepath.Join(root, "folder", "template.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, want, hint string }{
		{"yaml before all else", "all", "all/template.yaml", ""},
		{"yml before json", "yml", "yml/template.yml", ""},
		{"json", "json", "json/template.json", ""},
		{"a file of any name", "other/stack.yaml", "other/stack.yaml", ""},
		{"a folder with the template's name is none", "folder", "", "name the template's file or its folder"},
		{"a folder without a template", "other", "", "name the template's file or its folder"},
		{"a template in the folder above", "parent/src", "", "parent/template.yaml"},
		{"templates in the folders below", ".", "", "all/template.yaml or json/template.json or parent/template.yaml"},
		{"hidden folders are passed over", "hidden", "", "name the template's file or its folder"},
		{"what the CDK synthesized", "cdk/project/cdk.out", "cdk/project/cdk.out/Shop.template.json", ""},
		{"a project of the CDK", "cdk/project", "cdk/project/cdk.out/Shop.template.json", ""},
		{"two stacks of the CDK", "cdk/two", "", "cdk/two/A.template.json or cdk/two/B.template.json"},
		{"a manifest that leads out of its folder", "cdk/outside", "", "name the template's file or its folder"},
		{"a path that is not there", "nothing", "", "all/template.yaml or json/template.json or parent/template.yaml"},
		{"a path whose folder is not there", "no/thing", "", "name the template's file or its folder"},
	}
	t.Chdir(root)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file, err := Find(test.path)
			if filepath.ToSlash(file) != test.want {
				t.Errorf("found %q, want %q", file, test.want)
			}
			var none *NotFoundError
			if errors.As(err, &none) == (test.want != "") {
				t.Fatalf("the error is %v", err)
			}
			if none != nil && filepath.ToSlash(none.Hint()) != test.hint {
				t.Errorf("the hint is %q, want %q", none.Hint(), test.hint)
			}
		})
	}
	t.Run("the working directory", func(t *testing.T) {
		t.Chdir("all")
		if file, err := Find(""); err != nil || file != "template.yaml" {
			t.Errorf("found %q, %v", file, err)
		}
	})
}
