package invocation

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/berthdev/berth/internal/backlog"
)

// FuzzRecord holds that whatever a function answers, its record is JSON, has the
// event as it came, and the answer as it came or as a string.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"n":1}`), []byte(`null`), "alice")
	f.Add([]byte(`[1, 2]`), []byte(`plain`), "")
	f.Add([]byte(`"<&>"`), []byte("\xff"), "a b")
	f.Fuzz(func(t *testing.T, payload, answer []byte, tenant string) {
		e := end{event: backlog.Event{RequestID: "r"}, payload: payload, function: "f", condition: success, invoked: 1,
			result: &result{Version: "$LATEST", Payload: raw(answer)}, at: time.Unix(0, 0)}
		var got record
		if err := json.Unmarshal(e.record(), &got); err != nil {
			t.Fatalf("%v in %s", err, e.record())
		}
		for _, part := range []struct{ sent, got []byte }{{payload, got.RequestPayload}, {answer, got.ResponsePayload}} {
			if !json.Valid(part.sent) {
				if len(part.got) == 0 || part.got[0] != '"' {
					t.Errorf("%q, which is no JSON, is %s in the record", part.sent, part.got)
				}
				continue
			}
			var want bytes.Buffer
			if err := json.Compact(&want, part.sent); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(part.got, want.Bytes()) {
				t.Errorf("%q is %s in the record", part.sent, part.got)
			}
		}
		for _, a := range e.deadLetter() {
			if a.Text == "" {
				t.Errorf("the attribute %s is empty, which no queue takes", a.Name)
			}
		}
	})
}
