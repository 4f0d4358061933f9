package telemetry

import (
	"encoding/json"
	"strings"

	"github.com/berthdev/berth/internal/function"
)

// level is a log level of Lambda's advanced logging controls.
// Source: AWS Lambda developer guide, monitoring-cloudwatchlogs-log-level.
type level int

const (
	trace level = 1
	debug level = 2
	info  level = 3
	warn  level = 4
	errr  level = 5
	fatal level = 6
)

// parseLevel reads a level by its name. Whatever is no level counts as INFO, as
// it does on Lambda.
func parseLevel(s string) level {
	switch strings.ToUpper(s) {
	case "TRACE":
		return trace
	case "DEBUG":
		return debug
	case "WARN":
		return warn
	case "ERROR":
		return errr
	case "FATAL":
		return fatal
	}
	return info
}

// Keeps reports whether a line that the function wrote gets into its log. With
// JSON logging Lambda drops lines below the application log level, for every
// runtime: a JSON object counts by its "level", anything else as INFO.
func Keeps(l function.Logging, line []byte) bool {
	if !l.JSON() {
		return true
	}
	least := parseLevel(l.ApplicationLevel)
	if least <= trace {
		return true
	}
	var object struct {
		Level string `json:"level"`
	}
	if len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &object) != nil {
		return info >= least
	}
	return parseLevel(object.Level) >= least
}
