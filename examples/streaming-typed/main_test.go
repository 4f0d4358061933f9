package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

func TestTable(t *testing.T) {
	event, err := os.ReadFile("events/four.json")
	if err != nil {
		t.Fatal(err)
	}
	f := lambdatest.Start(t, lambda.Stream(table))
	got, err := f.Invoke(t.Context(), lambdatest.Event{Payload: event})
	if want := "minute,metres\n0,1.000\n1,1.000\n2,1.000\n3,1.000\n"; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

// Ten million bytes are more than a buffered response may have.
func TestALargeTableIsWhole(t *testing.T) {
	f := lambdatest.Start(t, lambda.Stream(table))
	s, err := f.Open(t.Context(), lambdatest.Event{Payload: []byte(`{"rows":800000,"metres":3.5}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Streamed() {
		t.Error("the response is not streamed")
	}
	rows := 0
	bytes := 0
	lines := bufio.NewScanner(s)
	for lines.Scan() {
		rows++
		bytes += len(lines.Bytes()) + 1
	}
	if lines.Err() != nil || rows != 800_001 || bytes < 10_000_000 {
		t.Errorf("%d rows, %d bytes, %v", rows, bytes, lines.Err())
	}
}

// Before the first byte an error is an ordinary one.
func TestRefusesATableWithoutEnd(t *testing.T) {
	f := lambdatest.Start(t, lambda.Stream(table))
	for _, payload := range []string{`{"rows":0}`, `{"rows":5000001}`, `{}`} {
		_, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(payload)})
		var failure *lambdatest.FunctionError
		if !errors.As(err, &failure) || failure.Type != "RowsOutOfRange" {
			t.Errorf("%s: %v", payload, err)
		}
	}
}

func TestStopsWhenTheReaderLeaves(t *testing.T) {
	f := lambdatest.Start(t, lambda.Stream(table))
	s, err := f.Open(t.Context(), lambdatest.Event{Payload: []byte(`{"rows":5000000,"metres":1,"flushEach":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Idle(t.Context()); err != nil { // it would be busy for the five million
		t.Errorf("the function goes on writing: %v", err)
	}
}
