package main

import (
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

func TestWrite(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Entry
		want string // "" when it is refused
	}{
		{"a line", Entry{"alice", "cast off"}, "alice: cast off"},
		{"space around it", Entry{"alice", "  cast off\n"}, "alice: cast off"},
		{"nothing", Entry{"alice", ""}, ""},
		{"only space", Entry{"alice", " \n"}, ""},
	} {
		got, err := write(t.Context(), tt.in)
		if got.Line != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v; want %q", tt.name, got.Line, err, tt.want)
		}
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	var got Line
	if b.Call("Logbook", "", `{"author":"alice","text":"cast off"}`, &got); got.Line != "alice: cast off" {
		t.Errorf("%+v", got)
	}
}
