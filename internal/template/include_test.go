package template

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder writes files and returns their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const apiHead = head + counter + `  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: Prod
`

const include = apiHead + `      DefinitionBody:
        Fn::Transform: {Name: AWS::Include, Parameters: {Location: openapi.yaml}}
`

const openAPIHead = `openapi: 3.0.1
paths:
  /:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
`

func TestDefinitionsInFilesOfTheirOwn(t *testing.T) {
	const arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:Counter/invocations"
	tests := []struct {
		name, template, openAPI string
		want                    string // the fault, from the file's name on; "" if there is a route
	}{
		{"an included file, whose functions are evaluated", include,
			openAPIHead + "        uri: {Fn::Sub: 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Counter.Arn}/invocations'}\n", ""},
		{"DefinitionUri", apiHead + "      DefinitionUri: openapi.yaml\n", openAPIHead + "        uri: " + arn + "\n", ""},
		{"JSON", apiHead + "      DefinitionUri: openapi.yaml\n",
			`{"swagger":"2.0","paths":{"/":{"get":{"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":"` + arn + `"}}}}}`, ""},
		{"a fault has the position in its own file", include, openAPIHead + "        uri: {Ref: Conter}\n",
			`openapi.yaml:8:14: paths["/"].get.x-amazon-apigateway-integration.uri: "Conter" names no parameter and no resource`},
		{"a file that is not YAML", include, "a: [", "openapi.yaml:2:1: not YAML: did not find expected node content while parsing a flow node"},
		{"an empty file", include, "", "openapi.yaml:1:1: there is nothing in the file"},
		{"functions that nobody evaluates", apiHead + "      DefinitionUri: openapi.yaml\n", openAPIHead + "        uri: !Ref Counter\n",
			`openapi.yaml:8:14: paths["/"].get.x-amazon-apigateway-integration.uri: this file goes to API Gateway as it is: nobody evaluates Ref in it`},
		{"a file that includes itself", include, "Fn::Transform: {Name: AWS::Include, Parameters: {Location: openapi.yaml}}",
			"openapi.yaml:1:1: the file openapi.yaml depends on itself"},
		{"a file that is not there", strings.Replace(include, "openapi.yaml", "gone.yaml", 1), "",
			"template.yaml:14:68: Resources.Api.Properties.DefinitionBody.Fn::Transform.Parameters.Location: there is no file $DIR/gone.yaml"},
		{"an include that says not what", strings.Replace(include, "Location", "Loc", 1), "",
			"template.yaml:14:9: Resources.Api.Properties.DefinitionBody: AWS::Include needs a Location"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"template.yaml": test.template, "openapi.yaml": test.openAPI, "src/main.go": ""})
			template, err := Load(dir)
			if test.want != "" {
				want := filepath.Join(dir, strings.ReplaceAll(test.want, "$DIR", dir))
				if err == nil || err.Error() != want {
					t.Errorf("got  %v\nwant %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if routes := template.REST[0].Routes; len(routes) != 1 || routes[0].Function != "Counter" {
				t.Errorf("the routes are %+v, want one to Counter", routes)
			}
		})
	}
}

func TestFilesThatIncludeEachOtherAreBounded(t *testing.T) {
	files := map[string]string{"template.yaml": include, "src/main.go": ""}
	level := func(next string) string {
		one := "{Fn::Transform: {Name: AWS::Include, Parameters: {Location: " + next + "}}}"
		return "[" + strings.Repeat(one+",", 9) + one + "]"
	}
	files["openapi.yaml"] = level("b")
	files["b"], files["c"], files["d"], files["e"] = level("c"), level("d"), level("e"), "[]"
	_, err := Load(folder(t, files))
	if err == nil || !strings.Contains(err.Error(), "includes more than 100 files") {
		t.Errorf("got %v", err)
	}
}

func TestParseReadsNoFile(t *testing.T) {
	template, err := Parse("template.yaml", []byte(include))
	if err != nil {
		t.Fatal(err)
	}
	if len(template.Notices) != 1 || !strings.Contains(template.Notices[0].Text, "is not read with the template's text alone") {
		t.Errorf("the notices are %v", template.Notices)
	}
}
