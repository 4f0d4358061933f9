package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// parseAnswerV2 reads a function's payload in format 2.0. An object with a
// statusCode is a whole answer; any other JSON is the body of a 200, a string
// without its quotes.
// Source: Amazon API Gateway developer guide, http-api-develop-integrations-lambda,
// and recorded answers (test_lambda_url_invocation in LocalStack's snapshots).
func parseAnswerV2(payload []byte) (*answer, error) {
	if !json.Valid(payload) {
		return nil, errors.New("malformed answer: it is not JSON")
	}
	payload = bytes.TrimSpace(payload)
	var fields struct {
		StatusCode      json.RawMessage `json:"statusCode"`
		Headers         json.RawMessage `json:"headers"`
		Cookies         []string        `json:"cookies"`
		Body            json.RawMessage `json:"body"`
		IsBase64Encoded json.RawMessage `json:"isBase64Encoded"`
	}
	if payload[0] != '{' || !hasKey(payload, "statusCode") {
		return inferAnswer(payload)
	}
	if err := json.Unmarshal(payload, &fields); err != nil {
		return nil, fmt.Errorf("malformed answer: %w", err)
	}
	a := &answer{}
	var errs [4]error
	a.status, errs[0] = parseStatus(notNull(fields.StatusCode))
	a.header, errs[1] = parseHeaders(notNull(fields.Headers))
	a.body, errs[2] = parseBody(notNull(fields.Body))
	a.isBase64, errs[3] = parseBool(notNull(fields.IsBase64Encoded))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("malformed answer: %w", err)
	}
	a.header = mergeHeaders(nil, a.header)
	if len(fields.Cookies) > 0 {
		a.header = append(a.header, field{"set-cookie", fields.Cookies})
	}
	return a, nil
}

// hasKey reports whether a JSON object has exactly this key: package json also
// takes other cases of it.
func hasKey(object []byte, key string) bool {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(object, &keys); err != nil {
		return false
	}
	_, ok := keys[key]
	return ok
}

func inferAnswer(payload []byte) (*answer, error) {
	a := &answer{status: http.StatusOK, body: payload}
	if payload[0] == '"' {
		var text string
		if err := json.Unmarshal(payload, &text); err != nil {
			return nil, fmt.Errorf("malformed answer: %w", err)
		}
		a.body = []byte(text)
	}
	a.header = []field{{"Content-Type", []string{"application/json"}}}
	return a, nil
}

// notNull is nil for a null.
func notNull(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// decodeAlways turns a body in base64 into bytes, whatever the client accepts.
func (a *answer) decodeAlways() error {
	if !a.isBase64 {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(string(a.body))
	if err != nil {
		return fmt.Errorf("malformed answer: body: %w", err)
	}
	a.body, a.isBase64 = body, false
	return nil
}

// dropCORS takes out what a function says of CORS: where the gateway is in charge
// of it, the function isn't.
// Source: Amazon API Gateway developer guide, http-api-cors.
func (a *answer) dropCORS() {
	a.header = slices.DeleteFunc(a.header, func(f field) bool {
		return strings.HasPrefix(strings.ToLower(f.name), "access-control-")
	})
}
