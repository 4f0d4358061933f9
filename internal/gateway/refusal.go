package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/berthdev/berth/internal/function"
)

// gatewayResponse is an answer of the gateway's own, instead of the function's.
// Source: Amazon API Gateway developer guide, supported-gateway-response-types.
type gatewayResponse struct {
	status      int
	kind        string // x-amzn-ErrorType, which only REST APIs send; empty leaves it out
	contentType string // empty means application/json
	body        string // byte for byte, spaces included: they differ from one to the other
	err         error  // the cause; it is logged and never sent
}

// The answers that never differ.
var (
	missingToken  = &gatewayResponse{status: http.StatusForbidden, kind: "MissingAuthenticationTokenException", body: `{"message":"Missing Authentication Token"}`}
	bodyTooLarge  = &gatewayResponse{status: http.StatusRequestEntityTooLarge, kind: "RequestTooLargeException", body: fmt.Sprintf(`{"message":"HTTP content length exceeded %d bytes."}`, maxBody)}
	eventTooLarge = &gatewayResponse{status: http.StatusRequestEntityTooLarge, kind: "RequestTooLargeException", body: `{"message":"Request Too Long"}`}
	badGateway    = &gatewayResponse{status: http.StatusBadGateway, kind: "InternalServerErrorException", body: `{"message": "Internal server error"}`}
	internalError = &gatewayResponse{status: http.StatusInternalServerError, kind: "InternalServerErrorException", body: `{"message": "Internal server error"}`}
	timedOut      = &gatewayResponse{status: http.StatusGatewayTimeout, kind: "InternalServerErrorException", body: `{"message": "Endpoint request timed out"}`}
)

func (g *gatewayResponse) Error() string {
	if g.err != nil {
		return g.err.Error()
	}
	return fmt.Sprintf("%d %s", g.status, g.kind)
}

func (g *gatewayResponse) Unwrap() error { return g.err }

// because is g with a cause for the log.
func (g *gatewayResponse) because(err error) *gatewayResponse {
	caused := *g
	caused.err = err
	return &caused
}

// write sends g. A client that has left can't be told, so the error is dropped.
func (g *gatewayResponse) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", cmp.Or(g.contentType, "application/json"))
	if g.kind != "" {
		h["x-amzn-ErrorType"] = []string{g.kind}
	}
	w.WriteHeader(g.status)
	w.Write([]byte(g.body))
}

// missingParameters is the validator's refusal.
func missingParameters(names []string) *gatewayResponse {
	return badRequest("BadRequestException", "Missing required request parameters: ["+strings.Join(names, ", ")+"]")
}

func badRequest(kind, message string) *gatewayResponse {
	return &gatewayResponse{status: http.StatusBadRequest, kind: kind, body: `{"message": ` + string(encode(message)) + `}`}
}

// refusedByLambda is what becomes of an invocation that Lambda refused, or that
// Berth could not make. A tenant ID that is missing, unwanted or invalid is the
// client's to mend, so that Lambda's 400 comes through; for the rest the client
// learns only that it failed.
func refusedByLambda(err error) *gatewayResponse {
	if errors.Is(err, errIntegrationTimeout) {
		return timedOut.because(err)
	}
	if refusal, ok := errors.AsType[*function.Refusal](err); ok {
		switch refusal.Type {
		case function.InvalidParameterValue, function.Validation:
			return badRequest(refusal.Type, refusal.Message)
		case function.RequestTooLarge:
			return eventTooLarge
		}
	}
	return badGateway.because(err)
}
