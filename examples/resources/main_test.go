package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

func TestRead(t *testing.T) {
	for _, tt := range []struct{ name, file, fault string }{
		{"a list", "code,name,country\nNLRTM,Rotterdam,Netherlands\n", ""},
		{"no port", "code,name,country\n", ""},
		{"an empty file", "", "read the header of ports.csv: EOF"},
		{"a column too few", "code,name,country\nNLRTM,Rotterdam\n", "record on line 2: wrong number of fields"},
	} {
		_, err := read(fstest.MapFS{"ports.csv": {Data: []byte(tt.file)}}, "ports.csv")
		if (err != nil) != (tt.fault != "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.fault)
		}
	}
}

func TestFind(t *testing.T) {
	ports, err := read(os.DirFS("."), "data/ports.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ code, name string }{
		{"NLRTM", "Rotterdam"},
		{"nl rtm", "Rotterdam"},
		{"USNYC", "New York"},
		{"ATLANTIS", ""},
		{"code", ""},
	} {
		port, err := ports.find(tt.code)
		if port.Name != tt.name || (err == nil) != (tt.name != "") {
			t.Errorf("find(%q) = %+v, %v; want %q", tt.code, port, err, tt.name)
		}
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	var got Port
	b.Call("Ports", "", `"NL RTM"`, &got)
	if want := (Port{"NLRTM", "Rotterdam", "Netherlands"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if a := b.Invoke("Ports", "", `"ATLANTIS"`); a.FunctionError == "" || !strings.Contains(a.Payload, "UnknownPort") {
		t.Errorf("an unknown port: %+v", a)
	}
}
