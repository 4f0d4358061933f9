package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda"
)

// entry is a line of the log.
type entry struct {
	Timestamp time.Time
	Level     string
	Message   string
	RequestID string
	TenantID  string
	Class     string
	Kilos     float64
	Parcel    struct {
		ID    string
		Kilos float64
	}
}

func entries(t *testing.T, text string) []entry {
	t.Helper()
	var all []entry
	for line := range strings.Lines(text) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, e)
	}
	return all
}

func TestShipLogs(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(lambda.NewLogHandler(&log, lambda.LogOptions{JSON: true, Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	ctx := lambda.NewContext(t.Context(), &lambda.Invocation{RequestID: "r-1", TenantID: "alice"})

	for _, tt := range []struct {
		name   string
		parcel Parcel
		levels string
		class  string // "" when it is refused
	}{
		{"light", Parcel{ID: "p", Kilos: 0.1}, "DEBUG INFO", "letter"},
		{"ordinary", Parcel{ID: "p", Kilos: 30}, "DEBUG INFO", "parcel"},
		{"heavy", Parcel{ID: "p", Kilos: 31, Secret: "diamonds"}, "DEBUG WARN INFO", "freight"},
		{"weightless", Parcel{ID: "p"}, "DEBUG ERROR", ""},
	} {
		log.Reset()
		label, err := ship(ctx, tt.parcel)
		if (err == nil) != (tt.class != "") || label.Class != tt.class {
			t.Errorf("%s: %+v, %v", tt.name, label, err)
		}
		if strings.Contains(log.String(), "diamonds") {
			t.Errorf("%s: the log tells the secret:\n%s", tt.name, &log)
		}
		var levels []string
		for _, e := range entries(t, log.String()) {
			levels = append(levels, e.Level)
			if e.RequestID != "r-1" || e.TenantID != "alice" || e.Timestamp.IsZero() {
				t.Errorf("%s: line %+v", tt.name, e)
			}
			if e.Level == "DEBUG" && (e.Parcel.ID != "p" || e.Parcel.Kilos != tt.parcel.Kilos) {
				t.Errorf("%s: the group is %+v", tt.name, e.Parcel)
			}
		}
		if got := strings.Join(levels, " "); got != tt.levels {
			t.Errorf("%s: levels %s, want %s", tt.name, got, tt.levels)
		}
	}
}

func TestInBerth(t *testing.T) {
	for _, tt := range []struct{ level, levels string }{
		{"DEBUG", "DEBUG WARN INFO"},
		{"WARN", "WARN"},
	} {
		t.Run(tt.level, func(t *testing.T) {
			b := berthtest.Up(t, ".", "--parameter", "Level="+tt.level)
			a := b.InvokeWithLog("Shipping", "alice", `{"id":"p-1","kilos":31.5,"secret":"diamonds"}`)
			if a.Payload != `{"id":"p-1","class":"freight"}` {
				t.Fatalf("%+v", a)
			}
			// Lambda's own lines have a type; the function's have a level.
			var levels []string
			for _, e := range entries(t, a.LogTail) {
				if e.Level == "" {
					continue
				}
				levels = append(levels, e.Level)
				if e.RequestID != a.RequestID || e.TenantID != "alice" {
					t.Errorf("line %+v, want request %s of alice", e, a.RequestID)
				}
			}
			if got := strings.Join(levels, " "); got != tt.levels {
				t.Errorf("levels %s, want %s in\n%s", got, tt.levels, a.LogTail)
			}
		})
	}
}
