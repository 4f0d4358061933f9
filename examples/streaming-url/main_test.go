package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

func TestParameters(t *testing.T) {
	for _, tt := range []struct {
		name, from, tick string
		wantFrom         int // 0 when it is refused
		wantTick         time.Duration
	}{
		{"the defaults", "", "", 5, time.Second},
		{"both", "60", "10ms", 60, 10 * time.Millisecond},
		{"too far", "61", "", 0, 0},
		{"nothing to count", "0", "", 0, 0},
		{"no number", "ten", "", 0, 0},
		{"too slow", "", "2s", 0, 0},
		{"no time", "", "0s", 0, 0},
		{"no duration", "", "soon", 0, 0},
	} {
		query := map[string]string{}
		if tt.from != "" {
			query["from"] = tt.from
		}
		if tt.tick != "" {
			query["tick"] = tt.tick
		}
		from, tick, err := parameters(query)
		if from != tt.wantFrom || tick != tt.wantTick || (err == nil) != (tt.wantFrom > 0) {
			t.Errorf("%s: %d, %v, %v", tt.name, from, tick, err)
		}
	}
}

// In the bubble the clock moves only when everybody waits, so that the times at
// which the numbers arrive are exact.
func TestEachNumberComesWhenItIsDue(t *testing.T) {
	event, err := os.ReadFile("events/three.json")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		f := lambdatest.Start(t, lambda.Stream(countdown))
		begin := time.Now()
		s, err := f.Open(t.Context(), lambdatest.Event{Payload: event, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		head, err := s.Head()
		if err != nil || head.StatusCode != 200 || len(head.Cookies) != 1 || head.Headers["Content-Type"] != "text/plain; charset=utf-8" {
			t.Fatalf("head %+v, %v", head, err)
		}
		lines := bufio.NewReader(s)
		for i, want := range []string{"3\n", "2\n", "1\n", "cast off\n"} {
			line, err := lines.ReadString('\n')
			if at := time.Since(begin); line != want || err != nil || at != time.Duration(i)*time.Second {
				t.Errorf("after %v: %q, %v; want %q after %d s", at, line, err, want, i)
			}
		}
		if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
			t.Errorf("and then %q, %v", rest, err)
		}
	})
}

func TestTheFunctionEndsWhenTheClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := lambdatest.Start(t, lambda.Stream(countdown))
		begin := time.Now()
		s, err := f.Open(t.Context(), lambdatest.Event{Payload: []byte(`{"queryStringParameters":{"from":"60"}}`), Timeout: 2 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Idle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("it counted for %v to nobody", took)
		}
	})
}

func TestRefusesWithA400(t *testing.T) {
	f := lambdatest.Start(t, lambda.Stream(countdown))
	s, err := f.Open(t.Context(), lambdatest.Event{Payload: []byte(`{"queryStringParameters":{"from":"ten"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	head, err := s.Head()
	body, errBody := io.ReadAll(s)
	if err := errors.Join(err, errBody); err != nil || head.StatusCode != 400 || !strings.Contains(string(body), `not "ten"`) {
		t.Errorf("%+v %s, %v", head, body, err)
	}
}

// The clock is real here, so only what must hold is asked for: the first number
// comes long before the last one is written.
func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	r, lines := b.Watch("/?from=4&tick=200ms")
	if r.Status != 200 || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" || r.Header.Get("Set-Cookie") != "seen=countdown; HttpOnly" {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	var text []string
	for _, l := range lines {
		text = append(text, l.Line)
	}
	if got := strings.Join(text, " "); got != "4 3 2 1 cast off" {
		t.Fatalf("it said %s", got)
	}
	if between := lines[4].After - lines[0].After; between < 500*time.Millisecond {
		t.Errorf("all came within %v: %v", between, lines)
	}
	if r := b.Do("GET", "/?from=ten", ""); r.Status != 400 || !strings.Contains(r.Body, `not "ten"`) {
		t.Errorf("a wrong parameter: %d %s", r.Status, r.Body)
	}
}
