package lambda

import (
	"context"
	"testing"
)

func echo(_ context.Context, event []byte) ([]byte, error) { return event, nil }

func TestBytesAnswersWithItsBytes(t *testing.T) {
	p := newPlatform(t)
	stop := p.start(Bytes(echo))
	c := p.accept()
	for _, id := range []string{"one", "two"} {
		c.invoke(id, `{"n":1}`)
		if r := c.answer(id); r.body != `{"n":1}` {
			t.Errorf("answered %s", r.body)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}
