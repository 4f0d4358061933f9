package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/berthdev/berth/internal/intake"
	"github.com/berthdev/berth/internal/invocation"
)

// door is what every kind of door does alike.
type door struct {
	name    string // of the API in the log
	apiID   string
	invoker Invoker
	cfg     Config
	source  source
}

func newDoor(name string, idLength int, invoker Invoker, cfg Config) door {
	return door{
		name:    name,
		apiID:   resourceName(idLength, name),
		invoker: invoker,
		cfg:     cfg.withDefaults(),
		source:  newSource(),
	}
}

// errIntegrationTimeout is why an invocation's context ended when the function
// took longer than the integration may.
var errIntegrationTimeout = errors.New("the integration's timeout has passed")

// call invokes a function and waits no longer than timeout. It is
// errIntegrationTimeout when that was too short.
func (d *door) call(ctx context.Context, timeout time.Duration, req invocation.Request) (*invocation.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errIntegrationTimeout)
	defer cancel()
	response, err := d.invoker.Invoke(ctx, req)
	if errors.Is(context.Cause(ctx), errIntegrationTimeout) {
		return nil, errIntegrationTimeout
	}
	return response, err
}

// refuse answers with the *gatewayResponse that is in err, or with fallback. A
// client that has left gets nothing; the log gets what was a fault of this side.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, in *incoming, err error, fallback *gatewayResponse) {
	if r.Context().Err() != nil {
		return
	}
	refused := fallback
	if own, ok := errors.AsType[*gatewayResponse](err); ok {
		refused = own
	}
	if refused.status >= http.StatusInternalServerError {
		d.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("api", d.name),
			slog.String("requestId", in.requestID), slog.String("path", in.path), slog.Any("error", err))
	}
	refused.write(w)
}

// maxHeaderValues bounds the values of a request's headers, all together, in bytes.
// Source: Amazon API Gateway developer guide, limits and http-api-quotas.
const maxHeaderValues = 10240

// headersTooLarge is the answer to more than that. Only the limit is AWS's: which
// status it answers with is not known.
var headersTooLarge = &gatewayResponse{status: http.StatusRequestHeaderFieldsTooLarge, body: `{"message":"Request Header Fields Too Large"}`}

// checkHeaders refuses a request whose headers are too large.
func checkHeaders(r *http.Request) error {
	size := len(r.Host)
	for _, all := range r.Header {
		for _, value := range all {
			size += len(value)
		}
	}
	if size > maxHeaderValues {
		return headersTooLarge
	}
	return nil
}

// body reads the client's body. tooLarge is the answer to more than limit bytes.
func body(w http.ResponseWriter, r *http.Request, limit int64, tooLarge *gatewayResponse) ([]byte, error) {
	all, err := intake.Read(w, r, limit)
	if err == nil {
		return all, nil
	}
	if _, ok := errors.AsType[*intake.TooLargeError](err); ok {
		return nil, tooLarge
	}
	return nil, &gatewayResponse{status: http.StatusRequestTimeout, kind: "BadRequestException",
		body: `{"message":"The request's body did not arrive whole"}`, err: err}
}
