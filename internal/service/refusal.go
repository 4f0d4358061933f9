package service

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/berthdev/berth/internal/function"
)

// What Berth refuses in its own name. AWS's SDKs show both as an API error with
// this code and message, and retry neither.
const (
	unknownOperation     = "UnknownOperationException"
	unsupportedOperation = "UnsupportedOperationException"
)

// ownFault is all that a caller learns about a fault of Berth's own.
const ownFault = "Berth could not carry out the request: its log has the cause"

// shape is how one exception looks on the wire.
type shape struct {
	status  int
	message string // the name of the message's field
	fault   string // the value of the field Type; "" leaves it out
}

// shapes has the exceptions that are answered here, in the shapes that AWS's
// model gives them. The spelling differs by exception, and programs see it.
// Source: AWS Lambda API reference, Invoke, and the service's Smithy model.
var shapes = map[string]shape{
	function.InvalidParameterValue: {http.StatusBadRequest, "message", "User"},
	function.InvalidRequestContent: {http.StatusBadRequest, "message", "User"},
	function.RequestTooLarge:       {http.StatusRequestEntityTooLarge, "message", ""},
	function.ResourceNotFound:      {http.StatusNotFound, "Message", "User"},
	function.ServiceFailure:        {http.StatusInternalServerError, "Message", "Service"},
	function.TooManyRequests:       {http.StatusTooManyRequests, "message", "User"},
	function.Validation:            {http.StatusBadRequest, "message", ""},
	"AccessDeniedException":        {http.StatusForbidden, "Message", ""},
	"ResourceConflictException":    {http.StatusConflict, "message", "User"},
	unknownOperation:               {http.StatusNotFound, "message", ""},
	unsupportedOperation:           {http.StatusNotImplemented, "message", ""},
}

// writeRefusal answers with r, whose type is one of shapes.
func writeRefusal(w http.ResponseWriter, requestID string, r *function.Refusal) {
	form := shapes[r.Type]
	var fields []string
	if r.Reason != "" {
		fields = append(fields, `"Reason":`+quote(r.Reason))
	}
	if form.fault != "" {
		fields = append(fields, `"Type":`+quote(form.fault))
	}
	fields = append(fields, quote(form.message)+":"+quote(r.Message))
	h := w.Header()
	h.Set("X-Amzn-Errortype", r.Type)
	writeJSON(w, requestID, form.status, []byte("{"+strings.Join(fields, ",")+"}"))
}

// writeJSON answers with body, which is JSON. A client that has left can't be
// told, so the error of the write is dropped.
func writeJSON(w http.ResponseWriter, requestID string, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	w.Write(body)
}

// quote is s as JSON, with no more escapes than JSON needs.
func quote(s string) string { return string(encode(s)) }

// encode is v as JSON. Every v here is made of strings and numbers, which can't
// fail.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
