package main

import (
	"bufio"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda/lambdahttp"
	"github.com/berthdev/berth/lambda/lambdatest"
)

// want is what a client sees, with the time of each line since the first byte.
var want = []struct {
	line string
	at   time.Duration
}{
	{"id: 1", 0}, {"event: position", 0}, {`data: {"ship":"Ada","metres":0}`, 0}, {"", 0},
	{"id: 2", pause}, {"event: position", pause}, {`data: {"ship":"Ada","metres":2}`, pause}, {"", pause},
	{"id: 3", 2 * pause}, {"event: position", 2 * pause}, {`data: {"ship":"Ada","metres":4}`, 2 * pause}, {"", 2 * pause},
}

func TestEachPositionComesWhenItIsDue(t *testing.T) {
	event, err := os.ReadFile("events/ada.json")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		f := lambdatest.Start(t, lambdahttp.Handler(newApp(), lambdahttp.WithStreaming()))
		begin := time.Now()
		s, err := f.Open(t.Context(), lambdatest.Event{Payload: event, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		head, err := s.Head()
		if err != nil || head.StatusCode != 200 {
			t.Fatalf("head %+v, %v", head, err)
		}
		lines := bufio.NewScanner(s)
		for _, w := range want {
			if !lines.Scan() || lines.Text() != w.line || time.Since(begin) != w.at {
				t.Errorf("after %v: %q, %v; want %q after %v", time.Since(begin), lines.Text(), lines.Err(), w.line, w.at)
			}
		}
		if lines.Scan() {
			t.Errorf("and then %q", lines.Text())
		}
	})
}

func TestRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		status     int
	}{
		{"too many reports", "/positions/Ada?reports=61", 400},
		{"no report", "/positions/Ada?reports=0", 400},
		{"no number", "/positions/Ada?reports=many", 400},
		{"no such path", "/harbours", 404},
	} {
		w := httptest.NewRecorder()
		newApp().ServeHTTP(w, httptest.NewRequest("GET", tt.path, strings.NewReader("")))
		if w.Code != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.status)
		}
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	r, lines := b.Watch("/Prod/positions/Ada")
	if r.Status != 200 || r.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d: %v", len(lines), len(want), lines)
	}
	for i, l := range lines {
		if l.Line != want[i].line {
			t.Errorf("line %d is %q, want %q", i, l.Line, want[i].line)
		}
	}
	// The clock is real here: most of the time passes between the first line and
	// the last, and not before the first.
	if between := lines[len(lines)-1].After - lines[0].After; between < pause {
		t.Errorf("all came within %v", between)
	}
}
