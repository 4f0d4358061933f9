package template

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/berthdev/berth/internal/function"
)

// serverlessFunctionProperties are those of AWS::Serverless::Function.
// Source: AWS SAM developer guide, sam-resource-function.
var serverlessFunctionProperties = map[string]support{
	"Architectures":                 ignore, // read, but not a choice on this machine
	"AssumeRolePolicyDocument":      ignore,
	"AutoPublishAlias":              later("versions and aliases are not made yet; the function is invoked as $LATEST"),
	"AutoPublishAliasAllProperties": ignore,
	"AutoPublishCodeSha256":         ignore,
	"CapacityProviderConfig":        later("managed instances are not supported yet; the function runs on demand"),
	"CodeSigningConfigArn":          ignore,
	"CodeUri":                       reads,
	"DeadLetterQueue":               reads,
	"DeploymentPreference":          ignore,
	"Description":                   reads,
	"DurableConfig":                 later("durable functions are not supported yet"),
	"Environment":                   reads,
	"EphemeralStorage":              reads,
	"EventInvokeConfig":             reads,
	"Events":                        reads,
	"FileSystemConfigs":             later("EFS is not mounted here"),
	"FunctionName":                  reads,
	"FunctionScalingConfig":         ignore,
	"FunctionUrlConfig":             reads,
	"Handler":                       reads,
	"ImageConfig":                   reads,
	"ImageUri":                      reads,
	"InlineCode":                    reads,
	"KmsKeyArn":                     ignore,
	"Layers":                        later("layers are not supported yet; /opt is empty"),
	"LoggingConfig":                 reads,
	"MemorySize":                    reads,
	"PackageType":                   reads,
	"PermissionsBoundary":           ignore,
	"Policies":                      ignore,
	"PropagateTags":                 ignore,
	"ProvisionedConcurrencyConfig":  later("provisioned concurrency is not supported yet"),
	"PublishToLatestPublished":      ignore,
	"RecursiveLoop":                 ignore,
	"ReservedConcurrentExecutions":  reads,
	"Role":                          ignore,
	"RolePath":                      ignore,
	"Runtime":                       reads,
	"RuntimeManagementConfig":       ignore,
	"SnapStart":                     ignore, // without effect on an OS-only runtime
	"SourceKMSKeyArn":               ignore,
	"Tags":                          ignore,
	"TenancyConfig":                 reads,
	"Timeout":                       reads,
	"Tracing":                       ignore,
	"VersionDeletionPolicy":         ignore,
	"VersionDescription":            ignore,
	"VpcConfig":                     later("the function is not put into a VPC here"),
}

func (m *maker) serverlessFunction(r *resource) {
	o, ok := m.object(m.withGlobals("Function", r.properties), "a function")
	if !ok {
		return
	}
	o.check(serverlessFunctionProperties)
	f, here := m.configuration(r, o)
	if kind, _ := o.text("PackageType"); kind != "Image" {
		here = m.code(o, &f) && here
	}
	if f.Version.TenantIsolation {
		m.checkIsolated(o)
	}
	m.metadata(r, &f)
	m.asynchronous(o, &f)
	m.events(r, o, &f)
	if here {
		m.template.Functions = append(m.template.Functions, f)
	}
	if !f.Version.TenantIsolation {
		m.serverlessURL(o, &f)
	}
}

var functionName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

// configuration reads the properties that SAM's and CloudFormation's functions
// have in common. here is false if the function can't run on this machine; a
// notice or fault says why.
func (m *maker) configuration(r *resource, o object) (f Function, here bool) {
	name := m.physicalName(r.key, r)
	f = Function{LogicalID: r.id, Line: r.key.line, Column: r.key.column, Architecture: "x86_64"}
	v := &f.Version
	v.Number = function.Latest
	v.Name = name.text
	if name.kind != broken && !functionName.MatchString(name.text) {
		m.fault(name, quote(name.text)+" is not a function's name", "1 to 64 of letters, digits, - and _")
	}
	v.MemoryMB = function.DefaultMemoryMB
	if mb, ok := o.whole("MemorySize", function.MinMemoryMB, function.MaxMemoryMB, " MB"); ok {
		v.MemoryMB = mb
	}
	v.Timeout = function.DefaultTimeout
	if s, ok := o.whole("Timeout", 1, int(function.MaxTimeout/time.Second), " s"); ok {
		v.Timeout = time.Duration(s) * time.Second
	}
	v.EphemeralStorageMB = function.DefaultEphemeralStorageMB
	if storage, ok := o.object("EphemeralStorage", "EphemeralStorage"); ok {
		storage.check(map[string]support{"Size": reads})
		storage.require("Size", "Size: 512")
		if mb, ok := storage.whole("Size", function.DefaultEphemeralStorageMB, function.MaxEphemeralStorageMB, " MB"); ok {
			v.EphemeralStorageMB = mb
		}
	}
	if n, ok := o.whole("ReservedConcurrentExecutions", 0, math.MaxInt32, ""); ok {
		v.ReservedConcurrency = &n
	}
	v.Environment = m.environment(o)
	v.Logging = m.logging(o)
	v.TenantIsolation = m.isolation(o)
	if d, ok := o.text("Description"); ok {
		f.Description = d
		if utf8.RuneCountInString(d) > 256 {
			m.fault(o.get("Description"), "the description is longer than 256 characters", "")
		}
	}
	if architectures := o.list("Architectures"); architectures != nil {
		switch {
		case len(architectures) != 1:
			m.fault(o.get("Architectures"), fmt.Sprintf("a function has one architecture, not %d", len(architectures)), "Architectures: [x86_64]")
		case architectures[0].text != "x86_64" && architectures[0].text != "arm64":
			m.fault(architectures[0], architectures[0].show()+" is no architecture", "x86_64 or arm64")
		default:
			f.Architecture = architectures[0].text
		}
	}
	return f, m.runtime(o, v)
}

// runtimes is the pattern of the names that Lambda gives its runtimes.
var runtimes = regexp.MustCompile(`^(dotnet(core)?\d[\d.]*|go1\.x|java\d+(\.al2)?|nodejs\d*(\.\d+|\.x)?|nodejs\d*\.x|provided(\.al2|\.al2023)?|python\d\.\d+|ruby\d\.\d+)$`)

// runtime reads what a function runs on.
func (m *maker) runtime(o object, v *function.Version) (here bool) {
	if kind, ok := o.choice("PackageType", "Zip", "Image"); ok && kind == "Image" {
		m.notice(o.get("PackageType"), "functions from container images are not supported yet; the function is left out")
		return false
	}
	o.require("Runtime", "Runtime: provided.al2023")
	o.require("Handler", "Handler: bootstrap")
	if handler, ok := o.text("Handler"); ok {
		v.Handler = handler
		if handler == "" || utf8.RuneCountInString(handler) > 128 || strings.ContainsAny(handler, " \t\r\n") {
			m.fault(o.get("Handler"), quote(handler)+" is not a handler", "1 to 128 characters without spaces")
		}
	}
	runtime, ok := o.text("Runtime")
	if !ok {
		return false
	}
	v.Runtime = runtime
	switch at := o.get("Runtime"); {
	case runtime == "provided.al2023" || runtime == "provided.al2":
		return true
	case runtime == "go1.x" || runtime == "provided":
		m.fault(at, "Lambda no longer supports the runtime "+runtime, "Runtime: provided.al2023")
	case runtimes.MatchString(runtime):
		m.notice(at, "the runtime "+runtime+" is not supported yet; the function is left out")
	default:
		m.fault(at, "there is no runtime "+quote(runtime), didYouMean(runtime, []string{"provided.al2", "provided.al2023"}))
	}
	return false
}

// code reads where a function's code is.
func (m *maker) code(o object, f *Function) (here bool) {
	if o.has("InlineCode") {
		m.notice(o.n.get("InlineCode"), "inline code is for runtimes that are not supported yet; the function is left out")
		return false
	}
	o.require("CodeUri", "CodeUri: .")
	at := o.get("CodeUri")
	if at != nil && at.kind == mapping {
		m.notice(at, "the code is in S3, not on this machine; the function is left out")
		return false
	}
	uri, ok := o.text("CodeUri")
	if !ok {
		return false
	}
	return m.folder(at, uri, f)
}

func (m *maker) folder(at *node, uri string, f *Function) (here bool) {
	switch {
	case strings.Contains(uri, "://"):
		m.notice(at, "the code is at "+quote(uri)+", not on this machine; the function is left out")
		return false
	case uri == "" || strings.ContainsRune(uri, 0):
		m.fault(at, quote(uri)+" is not a folder", "CodeUri: .")
		return false
	}
	f.CodeURI = filepath.FromSlash(uri)
	if !filepath.IsAbs(f.CodeURI) {
		f.CodeURI = filepath.Join(m.dir, f.CodeURI)
	}
	if !m.look {
		return true
	}
	switch info, err := os.Stat(f.CodeURI); {
	case err != nil:
		m.fault(at, fmt.Sprintf("there is no folder %s", f.CodeURI), "CodeUri is relative to the template's own folder")
		return false
	case !info.IsDir():
		m.fault(at, f.CodeURI+" is not a folder", "name the folder that holds the function's source or its bootstrap")
		return false
	}
	return true
}

// metadata reads how the code is built.
// Source: AWS SAM developer guide, building-custom-runtimes.
func (m *maker) metadata(r *resource, f *Function) {
	n := r.body.get("Metadata")
	if n == nil {
		return
	}
	o, ok := m.object(n, "Metadata")
	if !ok {
		return
	}
	if method, ok := o.text("BuildMethod"); ok {
		switch method {
		case "go1.x", "makefile":
			f.BuildMethod = method
		default:
			m.notice(o.get("BuildMethod"), "the build method "+quote(method)+" is not supported yet; the code is used as it is")
			f.SkipBuild = true
		}
	}
	if skip, ok := o.flag("SkipBuild"); ok && skip {
		f.SkipBuild = true
	}
}

var environmentKey = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// reservedKeys are the variables that Lambda sets and nobody else may.
// Source: AWS Lambda developer guide, configuration-envvars.
var reservedKeys = []string{
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
	"_HANDLER", "_X_AMZN_TRACE_ID",
}

// maxEnvironment bounds all variables together, in bytes of their JSON.
const maxEnvironment = 4096

func (m *maker) environment(o object) map[string]string {
	e, ok := o.object("Environment", "Environment")
	if !ok {
		return nil
	}
	e.check(map[string]support{"Variables": reads})
	variables := map[string]string{}
	for _, f := range e.strings("Variables", "Variables") {
		switch key := f.key.text; {
		case slices.Contains(reservedKeys, key):
			m.fault(f.key, "Lambda sets "+key+" itself", "use a name of your own")
		case !environmentKey.MatchString(key):
			m.fault(f.key, quote(key)+" is not the name of a variable", "a letter, then letters, digits and _; two characters at least")
		case strings.ContainsRune(f.value.text, 0):
			m.fault(f.value, "the value holds a NUL character", "")
		default:
			variables[key] = f.value.text
		}
	}
	if measured, err := json.Marshal(variables); err == nil && len(measured) > maxEnvironment {
		m.fault(e.get("Variables"), fmt.Sprintf("the variables have %d bytes as JSON; Lambda takes at most %d", len(measured), maxEnvironment), "read large values from a file or a store")
	}
	return variables
}

// logging reads LoggingConfig.
// Source: AWS Lambda developer guide, monitoring-cloudwatchlogs-advanced.
func (m *maker) logging(o object) function.Logging {
	var l function.Logging
	c, ok := o.object("LoggingConfig", "LoggingConfig")
	if !ok {
		return l
	}
	c.check(map[string]support{"ApplicationLogLevel": reads, "LogFormat": reads, "LogGroup": reads, "SystemLogLevel": reads})
	l.Format, _ = c.choice("LogFormat", "Text", "JSON")
	l.ApplicationLevel, _ = c.choice("ApplicationLogLevel", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
	l.SystemLevel, _ = c.choice("SystemLogLevel", "DEBUG", "INFO", "WARN")
	l.Group, _ = c.text("LogGroup")
	for _, level := range []string{"ApplicationLogLevel", "SystemLogLevel"} {
		if c.has(level) && !l.JSON() && (!c.has("LogFormat") || l.Format != "") {
			m.fault(c.n.get(level), "a log level needs the log format JSON", "LogFormat: JSON")
		}
	}
	return l
}
