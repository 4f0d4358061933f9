package service

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/berthdev/berth/internal/function"
)

// configuration is FunctionConfiguration, with the fields that are known here.
// Code hash, role and times are not: no field stands for a value that was made up.
// Source: AWS Lambda API reference, FunctionConfiguration.
type configuration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string `json:",omitempty"`
	Handler          string `json:",omitempty"`
	Timeout          int64  // seconds
	MemorySize       int    // MB
	Version          string
	Environment      *environment `json:",omitempty"`
	State            string
	LastUpdateStatus string
	PackageType      string
	Architectures    []string
	EphemeralStorage ephemeralStorage
	LoggingConfig    loggingConfig
	TenancyConfig    *tenancyConfig `json:",omitempty"`
}

type environment struct{ Variables map[string]string }

type ephemeralStorage struct{ Size int } // MB

type loggingConfig struct {
	LogFormat           string
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
	LogGroup            string
}

type tenancyConfig struct{ TenantIsolationMode string }

// describe is v as the API shows it. arn is the name that the caller used for it.
func describe(v *function.Version, arn string) configuration {
	c := configuration{
		FunctionName:     v.Name,
		FunctionArn:      arn,
		Runtime:          v.Runtime,
		Handler:          v.Handler,
		Timeout:          int64(v.Timeout / time.Second),
		MemorySize:       v.MemoryMB,
		Version:          v.Number,
		State:            "Active",
		LastUpdateStatus: "Successful",
		PackageType:      "Zip",
		Architectures:    []string{architecture()},
		EphemeralStorage: ephemeralStorage{v.EphemeralStorageMB},
		LoggingConfig: loggingConfig{
			LogFormat: "Text",
			LogGroup:  v.LogGroup(),
		},
	}
	if len(v.Environment) > 0 {
		c.Environment = &environment{v.Environment}
	}
	if v.Logging.JSON() {
		c.LoggingConfig.LogFormat = "JSON"
		c.LoggingConfig.ApplicationLogLevel = cmp.Or(v.Logging.ApplicationLevel, "INFO")
		c.LoggingConfig.SystemLogLevel = cmp.Or(v.Logging.SystemLevel, "INFO")
	}
	if v.TenantIsolation {
		c.TenancyConfig = &tenancyConfig{"PER_TENANT"}
	}
	return c
}

// architecture is Lambda's name for this machine's instruction set: functions are
// built for the machine they run on.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// pageSize is how many functions one answer of ListFunctions holds at most.
// Source: AWS Lambda API reference, ListFunctions, MaxItems.
const pageSize = 50

// listFunctions is the operation ListFunctions. Only $LATEST exists, so that
// FunctionVersion=ALL lists the same functions, with the version in their ARNs.
// A Marker is the name that the next page begins after, in base64.
// Source: AWS Lambda API reference, ListFunctions.
func (s *Service) listFunctions(c *call) error {
	query := c.r.URL.Query()
	limit := pageSize
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return &function.Refusal{Type: function.InvalidParameterValue, Message: "MaxItems is not a number: " + text}
		case n < 1:
			return function.Constraint(text, "maxItems", "Member must have value greater than or equal to 1")
		case n > 10000:
			return function.Constraint(text, "maxItems", "Member must have value less than or equal to 10000")
		}
		limit = min(n, pageSize)
	}
	if which := query.Get("FunctionVersion"); which != "" && which != "ALL" {
		return function.Constraint(which, "functionVersion", "Member must satisfy enum value set: [ALL]")
	}
	after, err := base64.URLEncoding.DecodeString(query.Get("Marker"))
	if err != nil {
		return &function.Refusal{Type: function.InvalidParameterValue, Message: "The Marker is not one that ListFunctions gave"}
	}

	rest := slices.DeleteFunc(s.registry.All(), func(v *function.Version) bool { return v.Name <= string(after) })
	page := struct {
		Functions  []configuration
		NextMarker *string
	}{Functions: []configuration{}}
	for i, v := range rest {
		if i == limit {
			marker := base64.URLEncoding.EncodeToString([]byte(rest[i-1].Name))
			page.NextMarker = &marker
			break
		}
		qualifier := ""
		if query.Get("FunctionVersion") == "ALL" {
			qualifier = v.Number
		}
		page.Functions = append(page.Functions, describe(v, s.registry.ARN(v.Name, qualifier)))
	}
	writeJSON(c.w, c.requestID, http.StatusOK, encode(page))
	return nil
}

// getFunction is the operation GetFunction. It has no Code: there is nothing to
// download, the code is a folder on this machine.
// Source: AWS Lambda API reference, GetFunction.
func (s *Service) getFunction(c *call) error {
	found, err := s.resolve(c)
	if err != nil {
		return err
	}
	writeJSON(c.w, c.requestID, http.StatusOK, encode(struct{ Configuration configuration }{found}))
	return nil
}

// getFunctionConfiguration is the operation GetFunctionConfiguration.
// Source: AWS Lambda API reference, GetFunctionConfiguration.
func (s *Service) getFunctionConfiguration(c *call) error {
	found, err := s.resolve(c)
	if err != nil {
		return err
	}
	writeJSON(c.w, c.requestID, http.StatusOK, encode(found))
	return nil
}

func (s *Service) resolve(c *call) (configuration, error) {
	found, err := s.registry.Resolve(c.labels["FunctionName"], c.r.URL.Query().Get("Qualifier"))
	if err != nil {
		return configuration{}, err
	}
	return describe(found.Version, found.InvokedARN), nil
}
