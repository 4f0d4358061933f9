package environment

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/function"
)

// Credentials are what a function finds in its environment to call AWS with.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// reserved are the variables that a function's own configuration can't set.
// Source: AWS Lambda developer guide, configuration-envvars.
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_MAX_CONCURRENCY",
}

// variables is the whole environment of a function's process, as "KEY=value"
// and sorted, but for AWS_LAMBDA_RUNTIME_API: only the sandbox knows that.
// Source: AWS Lambda developer guide, configuration-envvars.
func variables(v *function.Version, region, stream string, c Credentials) []string {
	env := map[string]string{
		"LANG":                     "en_US.UTF-8",
		"TZ":                       ":UTC",
		"PATH":                     "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH":          "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
	}
	for k, value := range v.Environment {
		if !strings.HasPrefix(k, "_") && !slices.Contains(reserved, k) {
			env[k] = value
		}
	}
	for k, value := range map[string]string{
		"_HANDLER":                        v.Handler,
		"AWS_REGION":                      region,
		"AWS_DEFAULT_REGION":              region,
		"AWS_LAMBDA_FUNCTION_NAME":        v.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     v.Number,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(v.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       v.LogGroup(),
		"AWS_LAMBDA_LOG_STREAM_NAME":      stream,
		"AWS_ACCESS_KEY_ID":               c.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           c.SecretAccessKey,
		"AWS_SESSION_TOKEN":               c.SessionToken,
		"LAMBDA_TASK_ROOT":                "/var/task",
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
	} {
		env[k] = value
	}
	if v.Logging.Format != "" {
		env["AWS_LAMBDA_LOG_FORMAT"] = v.Logging.Format
	}
	if v.Logging.JSON() && v.Logging.ApplicationLevel != "" {
		env["AWS_LAMBDA_LOG_LEVEL"] = v.Logging.ApplicationLevel
	}

	list := make([]string, 0, len(env))
	for k, value := range env {
		list = append(list, k+"="+value)
	}
	slices.Sort(list)
	return list
}

// logStream names the log stream of the environment id, as
// "2026/11/23/[$LATEST]<32 hex>".
func logStream(now time.Time, v *function.Version, id string) string {
	return now.UTC().Format("2006/01/02") + "/[" + v.Number + "]" + id
}
