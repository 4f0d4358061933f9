package main

import (
	"os"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

func TestHello(t *testing.T) {
	got, err := hello(t.Context(), "Ada")
	if err != nil || got != "Hello, Ada" {
		t.Errorf("hello(Ada) = %q, %v", got, err)
	}
}

func TestInBerth(t *testing.T) {
	event, err := os.ReadFile("events/ada.json")
	if err != nil {
		t.Fatal(err)
	}
	b := berthtest.Up(t, ".")
	var got string
	if b.Call("HelloWorld", "", string(event), &got); got != "Hello, Ada" {
		t.Errorf("answer %q", got)
	}
	if a := b.Invoke("HelloWorld", "", `{"name":"Ada"}`); a.FunctionError != "Unhandled" {
		t.Errorf("an object in place of a name: %+v, want a function error", a)
	}
}
