package eventsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/sqs"
	"github.com/berthdev/berth/internal/store"
)

const arn = "arn:aws:sqs:us-east-1:123456789012:orders"

// worker is a function that notes the bodies it gets and answers by a function.
type worker struct {
	answer func(bodies []string, ids []string) (payload string, functionError string, err error)

	mu      sync.Mutex
	batches []string // "a b after 3s"
	begin   time.Time
}

func (w *worker) Invoke(_ context.Context, r invocation.Request) (*invocation.Response, error) {
	var in records
	if err := json.Unmarshal(r.Payload, &in); err != nil {
		return nil, err
	}
	var bodies, ids []string
	for _, m := range in.Records {
		bodies, ids = append(bodies, m.Body), append(ids, m.MessageID)
	}
	w.mu.Lock()
	w.batches = append(w.batches, fmt.Sprintf("%s after %v", strings.Join(bodies, " "), time.Since(w.begin)))
	w.mu.Unlock()
	payload, functionError, err := w.answer(bodies, ids)
	if err != nil {
		return nil, err
	}
	return &invocation.Response{Payload: []byte(payload), FunctionError: functionError}, nil
}

func fine([]string, []string) (string, string, error) { return "null", "", nil }

func openQueues(t *testing.T) *sqs.Queues {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	q, err := sqs.Open(s, "us-east-1", "123456789012")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dead", "orders"} {
		settings := queue.Defaults(name)
		settings.VisibilityTimeout = time.Minute
		if name == "orders" {
			settings.Redrive = &queue.Redrive{Target: q.ARN("dead"), MaxReceive: 2}
		}
		if err := q.Put(settings); err != nil {
			t.Fatal(err)
		}
	}
	return q
}

// Source: AWS Lambda developer guide, services-sqs-configure and
// services-sqs-errorhandling.
func TestBatches(t *testing.T) {
	type sent struct {
		after  time.Duration
		bodies string
	}
	for _, tt := range []struct {
		name   string
		source queue.Source
		sent   []sent
		answer func(bodies, ids []string) (string, string, error)
		want   []string // batches
		dead   string   // what is in the dead-letter queue in the end
	}{
		{"what is there", queue.Source{}, []sent{{0, "a b c"}}, fine, []string{"a b c after 0s"}, ""},
		{"what comes later", queue.Source{}, []sent{{50 * time.Second, "a"}}, fine, []string{"a after 50s"}, ""},
		{"ten at most", queue.Source{MaxConcurrency: 2}, []sent{{0, "a b c d e f g h i j k l"}}, fine,
			[]string{"a b c d e f g h i j after 0s", "k l after 0s"}, ""},
		{"two at most", queue.Source{BatchSize: 2, MaxConcurrency: 2}, []sent{{0, "a b c"}}, fine, []string{"a b after 0s", "c after 0s"}, ""},
		{"a window", queue.Source{Window: 5 * time.Second, BatchSize: 100}, []sent{{0, "a"}, {3 * time.Second, "b"}, {6 * time.Second, "c"}}, fine,
			[]string{"a b after 5s", "c after 11s"}, ""},
		{"a window that fills", queue.Source{Window: 5 * time.Second, BatchSize: 2}, []sent{{0, "a"}, {3 * time.Second, "b"}}, fine, []string{"a b after 3s"}, ""},
		{"an error: all come again, and then go to the dead-letter queue", queue.Source{}, []sent{{0, "a b"}},
			func([]string, []string) (string, string, error) { return `{}`, "Unhandled", nil },
			[]string{"a b after 0s", "a b after 1m0s"}, "a b"},
		{"a throttle: the same", queue.Source{}, []sent{{0, "a"}},
			func([]string, []string) (string, string, error) {
				return "", "", &function.Refusal{Type: function.TooManyRequests}
			},
			[]string{"a after 0s", "a after 1m0s"}, "a"},
		{"one fails", queue.Source{ReportItemFailures: true}, []sent{{0, "a b c"}},
			func(bodies, ids []string) (string, string, error) {
				if i := slices.Index(bodies, "b"); i >= 0 {
					return `{"batchItemFailures":[{"itemIdentifier":"` + ids[i] + `"}]}`, "", nil
				}
				return "", "", errors.New("no b")
			},
			[]string{"a b c after 0s", "b after 1m0s"}, "b"},
		{"a report that nobody asked for", queue.Source{}, []sent{{0, "a"}},
			func(_, ids []string) (string, string, error) {
				return `{"batchItemFailures":[{"itemIdentifier":"` + ids[0] + `"}]}`, "", nil
			},
			[]string{"a after 0s"}, ""},
		{"disabled", queue.Source{Disabled: true}, []sent{{0, "a"}}, fine, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := openQueues(t)
				w := &worker{answer: tt.answer, begin: time.Now()}
				tt.source.Queue, tt.source.Function = arn, "worker"
				if tt.source.MaxConcurrency == 0 {
					tt.source.MaxConcurrency = 1 // so that there is one order
				}
				sources := NewSources(q, w, Config{Region: "us-east-1", Account: "123456789012"})
				sources.Put(tt.source)
				for _, s := range tt.sent {
					send := func() {
						for body := range strings.FieldsSeq(s.bodies) {
							if _, err := q.Send(arn, queue.Message{Body: body}, -1); err != nil {
								t.Error(err)
							}
						}
					}
					if s.after == 0 {
						send()
					} else {
						time.AfterFunc(s.after, send)
					}
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { defer close(ended); _ = sources.Run(ctx) }()
				time.Sleep(time.Hour)
				stop()
				<-ended
				slices.Sort(w.batches)
				if !slices.Equal(w.batches, tt.want) {
					t.Errorf("batches %q, want %q", w.batches, tt.want)
				}
				var dead []string
				buried, err := q.Receive(t.Context(), q.ARN("dead"), sqs.Ask{Max: 10})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range buried {
					dead = append(dead, r.Body)
				}
				if strings.Join(dead, " ") != tt.dead {
					t.Errorf("in the dead-letter queue: %v, want %s", dead, tt.dead)
				}
			})
		})
	}
}

// What is put, changed and deleted while the mappings run is heeded at once.
func TestMappingsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openQueues(t)
		w := &worker{answer: fine, begin: time.Now()}
		sources := NewSources(q, w, Config{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = sources.Run(ctx) }()
		send := func(body string) string {
			if _, err := q.Send(arn, queue.Message{Body: body}, -1); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			return strings.Join(w.batches, ", ")
		}
		if got := send("a"); got != "" {
			t.Errorf("without a mapping: %s", got)
		}
		e := sources.Put(queue.Source{Queue: arn, Function: "worker"})
		synctest.Wait()
		if got := send("b"); got != "a after 0s, b after 0s" {
			t.Errorf("with a mapping: %s", got)
		}
		off := e.Source
		off.Disabled = true
		sources.Put(off)
		synctest.Wait()
		if got := send("c"); got != "a after 0s, b after 0s" {
			t.Errorf("with a mapping that is disabled: %s", got)
		}
		sources.Put(e.Source)
		if got := send("d"); !strings.Contains(got, "c") || !strings.Contains(got, "d") {
			t.Errorf("enabled again: %s", got)
		}
		if gone, ok := sources.Delete(e.UUID); !ok || gone.UUID != e.UUID || len(sources.All()) != 0 {
			t.Errorf("deleted %+v, %v", gone, ok)
		}
		synctest.Wait()
		if got := send("late"); strings.Contains(got, "late") {
			t.Errorf("without the mapping: %s", got)
		}
		stop()
		<-ended
	})
}

// Source: AWS Lambda developer guide, services-sqs-errorhandling; the answers are
// those that were recorded from AWS.
func TestReports(t *testing.T) {
	batch := []sqs.Received{{ID: "1"}, {ID: "2"}, {ID: "3"}}
	for _, tt := range []struct{ name, answer, done string }{
		{"nothing", ``, "1 2 3"},
		{"null", `null`, "1 2 3"},
		{"an empty object", `{}`, "1 2 3"},
		{"no failures", `{"batchItemFailures":[]}`, "1 2 3"},
		{"null failures", `{"batchItemFailures":null}`, "1 2 3"},
		{"one failure", `{"batchItemFailures":[{"itemIdentifier":"2"}]}`, "1 3"},
		{"the same one twice", `{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"2"}]}`, "1 3"},
		{"all", `{"batchItemFailures":[{"itemIdentifier":"3"},{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}`, ""},
		{"an unknown one", `{"batchItemFailures":[{"itemIdentifier":"4"}]}`, ""},
		{"an empty one", `{"batchItemFailures":[{"itemIdentifier":""}]}`, ""},
		{"a null one", `{"batchItemFailures":[{"itemIdentifier":null}]}`, ""},
		{"another key", `{"batchItemFailures":[{"id":"2"}]}`, ""},
		{"a number", `{"batchItemFailures":[{"itemIdentifier":2}]}`, ""},
		{"a string", `"fine"`, ""},
		{"no JSON", `{"batchItemFailures`, ""},
	} {
		var done []string
		for _, r := range succeeded(batch, []byte(tt.answer)) {
			done = append(done, r.ID)
		}
		if strings.Join(done, " ") != tt.done {
			t.Errorf("%s: done are %v, want %s", tt.name, done, tt.done)
		}
	}
}

// FuzzReports holds that only what the batch has is ever deleted, and nothing
// that the answer names as failed.
func FuzzReports(f *testing.F) {
	f.Add(`{"batchItemFailures":[{"itemIdentifier":"2"}]}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, answer string) {
		batch := []sqs.Received{{ID: "1"}, {ID: "2"}}
		done := succeeded(batch, []byte(answer))
		if len(done) > len(batch) {
			t.Fatalf("%d of %d are done", len(done), len(batch))
		}
		var report struct {
			Failures []struct {
				ID string `json:"itemIdentifier"`
			} `json:"batchItemFailures"`
		}
		if json.Unmarshal([]byte(answer), &report) != nil {
			return
		}
		for _, failure := range report.Failures {
			if slices.ContainsFunc(done, func(r sqs.Received) bool { return r.ID == failure.ID }) {
				t.Fatalf("%s is done, and failed by %s", failure.ID, answer)
			}
		}
	})
}

// Source: AWS Lambda developer guide, with-sqs.
func TestEvent(t *testing.T) {
	sent := time.UnixMilli(1545082649183)
	got := string(event([]sqs.Received{{
		ID: "059f36b4", Handle: "AQEB", Sent: sent, First: sent.Add(2 * time.Millisecond), Count: 1,
		Message: queue.Message{Body: "Test <message>.", Trace: "Root=1",
			Attributes: []queue.Attribute{{Name: "myAttribute", Type: "String", Text: "myValue"}}},
	}}, arn, "us-east-1", "123456789012"))
	want := `{"Records":[{"messageId":"059f36b4","receiptHandle":"AQEB","body":"Test <message>.",` +
		`"attributes":{"AWSTraceHeader":"Root=1","ApproximateFirstReceiveTimestamp":"1545082649185","ApproximateReceiveCount":"1","SenderId":"123456789012","SentTimestamp":"1545082649183"},` +
		`"messageAttributes":{"myAttribute":{"stringValue":"myValue","stringListValues":[],"binaryListValues":[],"dataType":"String"}},` +
		`"md5OfMessageAttributes":"` + sqs.AttributesMD5([]queue.Attribute{{Name: "myAttribute", Type: "String", Text: "myValue"}}) + `",` +
		`"md5OfBody":"` + sqs.BodyMD5("Test <message>.") + `","eventSource":"aws:sqs","eventSourceARN":"` + arn + `","awsRegion":"us-east-1"}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestIsolatedFunctionsTakeFromNoQueue(t *testing.T) {
	if err := Check(&function.Version{}); err != nil {
		t.Error(err)
	}
	if refusal := (*function.Refusal)(nil); !errors.As(Check(&function.Version{TenantIsolation: true}), &refusal) || refusal.Type != function.InvalidParameterValue {
		t.Error("an isolated function may take from a queue, and its environments from any tenant's messages")
	}
}
