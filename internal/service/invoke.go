package service

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/intake"
	"github.com/berthdev/berth/internal/invocation"
)

// maxClientContext is the longest X-Amz-Client-Context, in bytes of base64.
// Source: AWS Lambda API reference, Invoke.
const maxClientContext = 3583

// invoke is the operation Invoke.
// Source: AWS Lambda API reference, Invoke.
func (s *Service) invoke(c *call) error {
	req, kind, err := parseInvoke(c, "RequestResponse", "Event", "DryRun")
	if err != nil {
		return err
	}
	if req.Payload, err = readPayload(c, kind); err != nil {
		return err
	}
	switch kind {
	case "DryRun":
		return s.dryRun(c, req)
	case "Event":
		return s.accept(c, req)
	}

	resp, err := s.invoker.Invoke(c.r.Context(), req)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("X-Amz-Executed-Version", resp.ExecutedVersion)
	if resp.FunctionError != "" {
		h.Set("X-Amz-Function-Error", resp.FunctionError)
	}
	if req.Tail {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(resp.LogTail))
	}
	if resp.TraceID != "" {
		h.Set("X-Amzn-Trace-Id", resp.TraceID)
	}
	writeJSON(c.w, c.requestID, http.StatusOK, resp.Payload)
	return nil
}

// dryRun answers an invocation that is not to be carried out.
func (s *Service) dryRun(c *call, req invocation.Request) error {
	if err := s.invoker.Check(c.r.Context(), req); err != nil {
		return err
	}
	c.w.Header().Set("X-Amzn-Requestid", c.requestID)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// parseInvoke reads everything but the payload. kinds are the invocation types
// that the operation has, its default first. What breaks the API's constraints is
// refused all at once, as AWS does.
func parseInvoke(c *call, kinds ...string) (req invocation.Request, kind string, err error) {
	h := c.r.Header
	req = invocation.Request{
		ID:        c.requestID,
		Function:  c.labels["FunctionName"],
		Qualifier: c.r.URL.Query().Get("Qualifier"),
		TraceID:   h.Get("X-Amzn-Trace-Id"),
	}
	var broken []*function.Refusal
	kind, refusal := oneOf(h, "X-Amz-Invocation-Type", "invocationType", kinds...)
	broken = append(broken, refusal)
	logType, refusal := oneOf(h, "X-Amz-Log-Type", "logType", "None", "Tail")
	broken = append(broken, refusal)
	tenant, refusal := tenantOf(h)
	broken = append(broken, refusal)
	if refusal := allBroken(broken); refusal != nil {
		return req, kind, refusal
	}
	req.Tail = logType == "Tail"
	req.Tenant = tenant
	req.ClientContext, err = clientContext(h.Get("X-Amz-Client-Context"))
	return req, kind, err
}

// tenantOf is the tenant that the caller named. A header that is there and empty
// names an invalid one, and so do two headers: which of them was meant can't be
// known, and a proxy in between may have read the other.
func tenantOf(h http.Header) (function.TenantID, *function.Refusal) {
	values := h.Values("X-Amz-Tenant-Id")
	if len(values) == 0 {
		return "", nil
	}
	// Repeated headers mean the list with commas (RFC 9110, section 5.3), and no
	// tenant ID has a comma in it.
	tenant, err := function.ParseTenantID(strings.Join(values, ","))
	if err != nil {
		return "", err.(*function.Refusal) // as ParseTenantID promises
	}
	return tenant, nil
}

// oneOf reads a header that takes one of a few words; the first is the default.
func oneOf(h http.Header, header, path string, words ...string) (string, *function.Refusal) {
	value := h.Get(header)
	if value == "" {
		return words[0], nil
	}
	if !slices.Contains(words, value) {
		return "", function.Constraint(value, path, "Member must satisfy enum value set: ["+strings.Join(words, ", ")+"]")
	}
	return value, nil
}

// allBroken joins validation errors into the one answer that AWS gives for all of
// them; nil when there is none.
func allBroken(refusals []*function.Refusal) error {
	var items []string
	for _, r := range refusals {
		if r != nil {
			_, item, _ := strings.Cut(r.Message, "detected: ")
			items = append(items, item)
		}
	}
	switch len(items) {
	case 0:
		return nil
	case 1:
		return &function.Refusal{Type: function.Validation, Message: "1 validation error detected: " + items[0]}
	}
	return &function.Refusal{Type: function.Validation,
		Message: fmt.Sprintf("%d validation errors detected: %s", len(items), strings.Join(items, "; "))}
}

// clientContext decodes what the function's runtime gets as JSON text; nil if
// there is none.
func clientContext(encoded string) ([]byte, error) {
	if encoded == "" {
		return nil, nil
	}
	refuse := func(message string) error {
		return &function.Refusal{Type: function.InvalidRequestContent, Message: message}
	}
	if len(encoded) > maxClientContext {
		return nil, refuse(fmt.Sprintf("Client context must be no more than %d bytes of base64, and this one has %d.", maxClientContext, len(encoded)))
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !json.Valid(decoded) {
		return nil, refuse("Client context must be a valid Base64-encoded JSON object.")
	}
	return decoded, nil
}

// readPayload reads the event of an invocation of the given kind and checks that
// it is JSON.
func readPayload(c *call, kind string) ([]byte, error) {
	limit := int64(function.MaxPayload)
	if kind == "Event" {
		limit = function.MaxEvent
	}
	payload, err := intake.Read(c.w, c.r, limit)
	if tooLarge, ok := errors.AsType[*intake.TooLargeError](err); ok {
		return nil, &function.Refusal{Type: function.RequestTooLarge, Message: fmt.Sprintf(
			"%d byte payload is too large for the %s invocation type (limit %d bytes)", tooLarge.Size, kind, limit)}
	}
	if err != nil {
		return nil, &function.Refusal{Type: function.InvalidRequestContent, Message: "The request's body did not arrive whole.", Err: err}
	}
	if fault := jsonFault(payload); fault != "" {
		return nil, &function.Refusal{Type: function.InvalidRequestContent,
			Message: "Could not parse request body into json: Could not parse payload into json: " + fault}
	}
	return payload, nil
}
