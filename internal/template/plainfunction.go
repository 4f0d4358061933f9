package template

import "path/filepath"

// lambdaFunctionProperties are those of AWS::Lambda::Function.
// Source: AWS CloudFormation template reference, aws-resource-lambda-function.
var lambdaFunctionProperties = map[string]support{
	"Architectures":                ignore,
	"CapacityProviderConfig":       serverlessFunctionProperties["CapacityProviderConfig"],
	"Code":                         reads,
	"CodeSigningConfigArn":         ignore,
	"DeadLetterConfig":             reads,
	"Description":                  reads,
	"DurableConfig":                serverlessFunctionProperties["DurableConfig"],
	"Environment":                  reads,
	"EphemeralStorage":             reads,
	"FileSystemConfigs":            serverlessFunctionProperties["FileSystemConfigs"],
	"FunctionName":                 reads,
	"FunctionScalingConfig":        ignore,
	"Handler":                      reads,
	"ImageConfig":                  reads,
	"KmsKeyArn":                    ignore,
	"Layers":                       serverlessFunctionProperties["Layers"],
	"LoggingConfig":                reads,
	"MemorySize":                   reads,
	"PackageType":                  reads,
	"PublishToLatestPublished":     ignore,
	"RecursiveLoop":                ignore,
	"ReservedConcurrentExecutions": serverlessFunctionProperties["ReservedConcurrentExecutions"],
	"Role":                         ignore,
	"Runtime":                      reads,
	"RuntimeManagementConfig":      ignore,
	"SnapStart":                    ignore,
	"Tags":                         ignore,
	"TenancyConfig":                reads,
	"Timeout":                      reads,
	"TracingConfig":                ignore,
	"VpcConfig":                    serverlessFunctionProperties["VpcConfig"],
}

func (m *maker) lambdaFunction(r *resource) {
	o, ok := m.object(r.properties, "a function")
	if !ok {
		return
	}
	o.check(lambdaFunctionProperties)
	f, here := m.configuration(r, o)
	here = m.lambdaCode(r, o, &f) && here
	if f.Version.TenantIsolation {
		m.checkIsolated(o)
	}
	m.metadata(r, &f)
	m.plainDeadLetters(o, &f)
	if here {
		m.template.Functions = append(m.template.Functions, f)
	}
}

// What the CDK writes into a resource's Metadata of the code that it will upload:
// the folder, and whether it is built already.
// Source: AWS CDK developer guide, assets.
const (
	assetPath    = "aws:asset:path"
	assetBundled = "aws:asset:is-bundled"
)

// lambdaCode reads Code: a folder, as "aws cloudformation package" takes it, or
// the folder that the CDK names. What is in S3 is not here.
func (m *maker) lambdaCode(r *resource, o object, f *Function) (here bool) {
	o.require("Code", "Code: .")
	code := o.get("Code")
	if code == nil {
		return false
	}
	if asset := r.body.find("Metadata", assetPath); asset != nil && asset.kind == text {
		if bundled := r.body.find("Metadata", assetBundled); bundled != nil && bundled.text == "true" {
			f.SkipBuild = true
		}
		return m.folder(asset, filepath.ToSlash(asset.text), f)
	}
	if code.scalar() {
		return m.folder(code, code.text, f)
	}
	c, ok := o.object("Code", "Code")
	switch {
	case !ok:
	case c.has("ImageUri"):
		m.notice(code, "functions from container images are not supported yet; the function is left out")
	case c.has("ZipFile"):
		m.notice(code, "inline code is for runtimes that are not supported yet; the function is left out")
	case c.has("S3Bucket"):
		m.notice(code, "the code is in S3, not on this machine; the function is left out")
	default:
		m.fault(code, "Code names no code", "a folder: Code: .")
	}
	return false
}
