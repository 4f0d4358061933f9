package gateway

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answer is what a function answered to a proxy integration.
type answer struct {
	status   int
	header   []field // in the order of their names
	body     []byte
	isBase64 bool          // body is still in base64
	stream   io.ReadCloser // in place of body, if the answer comes bit by bit

	gateway     []field // headers of the gateway's own
	defaultType string  // sent if the function names no content type; empty means application/json
}

// field is one header with all its values, as the function spelled it.
type field struct {
	name   string
	values []string
}

// parseAnswer reads a function's payload as the answer of a Lambda proxy
// integration. Every key may be missing; a key that isn't known, or a value of the
// wrong kind, makes the answer malformed.
// Source: Amazon API Gateway developer guide, set-up-lambda-proxy-integrations,
// output format, and recorded answers.
func parseAnswer(payload []byte) (*answer, error) {
	if !isObject(payload) {
		return nil, errors.New("malformed answer: it is not a JSON object")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return nil, fmt.Errorf("malformed answer: %w", err)
	}
	a := &answer{status: http.StatusOK}
	var single, multi []field
	var err error
	for key, raw := range fields {
		if string(raw) == "null" {
			raw = nil
		}
		switch key {
		case "statusCode":
			a.status, err = parseStatus(raw)
		case "headers":
			single, err = parseHeaders(raw)
		case "multiValueHeaders":
			multi, err = parseMultiHeaders(raw)
		case "body":
			a.body, err = parseBody(raw)
		case "isBase64Encoded":
			a.isBase64, err = parseBool(raw)
		default:
			err = errors.New("the key is not one of statusCode, headers, multiValueHeaders, body, isBase64Encoded")
		}
		if err != nil {
			return nil, fmt.Errorf("malformed answer: %s: %w", key, err)
		}
	}
	a.header = mergeHeaders(multi, single)
	return a, nil
}

func isObject(raw []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{"))
}

// parseStatus reads 201 and "201" alike; nothing means 200.
func parseStatus(raw json.RawMessage) (int, error) {
	if raw == nil {
		return http.StatusOK, nil
	}
	text, err := scalar(raw)
	if err != nil {
		return 0, err
	}
	status, err := strconv.Atoi(text)
	if err != nil || status < 200 || status > 599 {
		return 0, fmt.Errorf("%s is not the status of a final response", raw)
	}
	return status, nil
}

func parseBody(raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	var body string
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, errors.New("it is not a string")
	}
	return []byte(body), nil
}

func parseBool(raw json.RawMessage) (bool, error) {
	switch string(raw) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, errors.New("it is neither true nor false")
}

// scalar is a string as it is, a number or a boolean as its JSON.
func scalar(raw json.RawMessage) (string, error) {
	switch {
	case len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n':
		return "", fmt.Errorf("%.40s is not a string, a number or a boolean", raw)
	case raw[0] != '"':
		return string(raw), nil
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err
}

func parseHeaders(raw json.RawMessage) ([]field, error) {
	var byName map[string]json.RawMessage
	if err := unmarshalObject(raw, &byName); err != nil {
		return nil, err
	}
	var header []field
	for name, raw := range byName {
		if string(raw) == "null" {
			continue
		}
		value, err := scalar(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		header = append(header, field{name, []string{value}})
	}
	return header, nil
}

func parseMultiHeaders(raw json.RawMessage) ([]field, error) {
	var byName map[string][]json.RawMessage
	if err := unmarshalObject(raw, &byName); err != nil {
		return nil, err
	}
	var header []field
	for name, all := range byName {
		f := field{name: name}
		for _, raw := range all {
			value, err := scalar(raw)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			f.values = append(f.values, value)
		}
		if len(f.values) > 0 {
			header = append(header, f)
		}
	}
	return header, nil
}

func unmarshalObject(raw json.RawMessage, into any) error {
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// mergeHeaders puts the two maps of an answer together. A name that is in both has
// the spelling and the values of multiValueHeaders first; a value that is in both
// is sent once.
func mergeHeaders(multi, single []field) []field {
	byName := func(a, b field) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(multi, byName) // names that differ only in case: the same one always comes first
	slices.SortFunc(single, byName)
	var merged []field
	for _, f := range slices.Concat(multi, single) {
		i := slices.IndexFunc(merged, func(m field) bool { return strings.EqualFold(m.name, f.name) })
		if i < 0 {
			merged = append(merged, field{f.name, slices.Clone(f.values)})
			continue
		}
		for _, value := range f.values {
			if !slices.Contains(merged[i].values, value) {
				merged[i].values = append(merged[i].values, value)
			}
		}
	}
	return merged
}

// decode turns a body in base64 into bytes, if the client's first accepted type is
// one that the API treats as binary. Otherwise the client gets the base64 itself.
// Source: Amazon API Gateway developer guide, api-gateway-payload-encodings-workflow.
func (a *answer) decode(accept, binaryTypes []string) error {
	first := ""
	if len(accept) > 0 {
		first = accept[0]
	}
	if !a.isBase64 || !isBinary(first, binaryTypes) {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(string(a.body))
	if err != nil {
		return fmt.Errorf("malformed answer: body: %w", err)
	}
	a.body = body
	return nil
}

// remapped are the response headers that belong to a REST API's gateway: the
// function's own are sent under another name.
// Source: Amazon API Gateway developer guide, api-gateway-known-issues.
var remapped = []string{"Authorization", "Connection", "Content-Length", "Content-MD5", "Date", "Host", "Server", "User-Agent", "WWW-Authenticate", "x-amzn-RequestId"}

// dropped are the response headers that only the connection's two ends may set,
// and those that a gateway sets anew.
var dropped = []string{"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
	"x-amz-apigw-id", "apigw-requestid", "x-amzn-RequestId", "X-Amzn-Trace-Id", "x-amzn-ErrorType"}

// own adds a header of the gateway's, in place of what the function set.
func (a *answer) own(name, value string) {
	a.gateway = append(a.gateway, field{name, []string{value}})
}

// write sends the answer. A header whose name is in remap is sent under another.
// A client that has left can't be told, and a status that takes no body drops it,
// so the error is dropped.
func (a *answer) write(w http.ResponseWriter, remap []string) {
	h := w.Header()
	for _, f := range a.header {
		same := func(name string) bool { return strings.EqualFold(name, f.name) }
		name := f.name
		if i := slices.IndexFunc(remap, same); i >= 0 {
			name = "x-amzn-Remapped-" + remap[i]
		} else if slices.ContainsFunc(dropped, same) {
			continue
		}
		h[asPackageHTTP(name)] = f.values
	}
	for _, f := range a.gateway {
		h[f.name] = f.values
	}
	if h["Content-Type"] == nil {
		h["Content-Type"] = []string{cmp.Or(a.defaultType, "application/json")}
	}
	w.WriteHeader(a.status)
	if a.stream != nil {
		pass(w, a.stream)
		return
	}
	w.Write(a.body)
}

// asPackageHTTP is name as package http looks for it, where it does.
func asPackageHTTP(name string) string {
	switch canonical := http.CanonicalHeaderKey(name); canonical {
	case "Content-Type", "Date":
		return canonical
	}
	return name
}
