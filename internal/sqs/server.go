package sqs

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/intake"
)

// Config is what a Server can do without.
type Config struct {
	Logger *slog.Logger // the causes of 500s go here; nil discards
}

// Server is the Amazon SQS API over the JSON protocol, as AWS's SDKs of today
// speak it. It checks no signatures.
// Source: Amazon SQS developer guide, sqs-making-api-requests-json.
type Server struct {
	queues  *Queues
	account string
	log     *slog.Logger
}

// NewServer returns the API of queues.
func NewServer(queues *Queues, account string, cfg Config) *Server {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Server{queues: queues, account: account, log: log}
}

// targetPrefix begins the header that names an operation.
const targetPrefix = "AmazonSQS."

// Serves reports whether a request is one for SQS and not for another service at
// the same address.
func Serves(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
}

// maxBody is the largest request: a batch of one megabyte whose every character
// is escaped, and what belongs to it.
const maxBody = 8 << 20

// operation carries out one request: in is its body, and out the answer's.
type operation func(s *Server, r *http.Request, in []byte) (out any, err error)

// operations are those that are carried out here.
// Source: Amazon SQS API reference, Actions.
var operations = map[string]operation{
	"ChangeMessageVisibility":      typed((*Server).changeMessageVisibility),
	"ChangeMessageVisibilityBatch": typed((*Server).changeMessageVisibilityBatch),
	"CreateQueue":                  typed((*Server).createQueue),
	"DeleteMessage":                typed((*Server).deleteMessage),
	"DeleteMessageBatch":           typed((*Server).deleteMessageBatch),
	"DeleteQueue":                  typed((*Server).deleteQueue),
	"GetQueueAttributes":           typed((*Server).getQueueAttributes),
	"GetQueueUrl":                  typed((*Server).getQueueURL),
	"ListDeadLetterSourceQueues":   typed((*Server).listDeadLetterSourceQueues),
	"ListQueues":                   typed((*Server).listQueues),
	"PurgeQueue":                   typed((*Server).purgeQueue),
	"ReceiveMessage":               typed((*Server).receiveMessage),
	"SendMessage":                  typed((*Server).sendMessage),
	"SendMessageBatch":             typed((*Server).sendMessageBatch),
	"SetQueueAttributes":           typed((*Server).setQueueAttributes),
}

// typed makes an operation of a method with its own types.
func typed[I, O any](do func(s *Server, r *http.Request, in I) (O, error)) operation {
	return func(s *Server, r *http.Request, body []byte) (any, error) {
		var in I
		if len(body) > 0 {
			if err := json.Unmarshal(body, &in); err != nil {
				return nil, &fault{code: "SerializationException", message: "The request's body is not what the operation takes: " + err.Error()}
			}
		}
		return do(s, r, in)
	}
}

// ServeHTTP carries out one operation.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := uuid.NewString()
	out, err := s.serve(w, r)
	h := w.Header()
	h.Set("X-Amzn-Requestid", id)
	h.Set("Content-Type", "application/x-amz-json-1.0")
	if err == nil {
		w.Write(encode(out)) // a client that has left can't be told
		return
	}
	var f *fault
	if !errors.As(err, &f) {
		s.log.LogAttrs(r.Context(), slog.LevelError, "queue request failed", slog.String("requestId", id), slog.Any("error", err))
		f = &fault{code: "InternalFailure", message: "Berth could not carry out the request: its log has the cause", status: http.StatusInternalServerError}
	}
	who := "Sender"
	if f.statusCode() >= 500 {
		who = "Receiver"
	}
	h.Set("X-Amzn-Query-Error", f.queryCode()+";"+who)
	w.WriteHeader(f.statusCode())
	w.Write(encode(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{"com.amazonaws.sqs#" + f.code, f.message}))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	do := operations[name]
	switch {
	case !ok || r.Method != http.MethodPost:
		return nil, &fault{code: "UnknownOperationException", message: "SQS is asked by POST, with the operation in X-Amz-Target", status: http.StatusNotFound}
	case do == nil:
		return nil, &fault{code: "UnsupportedOperation", query: "AWS.SimpleQueueService.UnsupportedOperation", message: "Berth does not have SQS's operation " + name + " yet"}
	}
	body, err := intake.Read(w, r, maxBody)
	if tooLarge := (*intake.TooLargeError)(nil); errors.As(err, &tooLarge) {
		return nil, &fault{code: "RequestEntityTooLarge", message: tooLarge.Error(), status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, &fault{code: "SerializationException", message: "The request's body did not arrive whole."}
	}
	return do(s, r, body)
}

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
