package main

import (
	"io"
	"strings"
	"testing"
)

func TestEveryPairOfTwinsRuns(t *testing.T) {
	var out strings.Builder
	args := []string{"-blocks", "1", "-n", "2", "-warmup", "1", "-starts", "1"}
	if err := bench(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, twins := range allTwins() {
		for _, measure := range []string{"CPU per invocation", "cold start", "peak memory", "stripped binary"} {
			found := false
			for line := range strings.Lines(out.String()) {
				found = found || strings.HasPrefix(line, twins.name+" ") && strings.Contains(line, measure)
			}
			if !found {
				t.Errorf("no %s of %s in\n%s", measure, twins.name, out.String())
			}
		}
	}
}

func TestUnknownTwinsAreAnError(t *testing.T) {
	if err := bench(t.Context(), []string{"-twins", "triplets"}, io.Discard, io.Discard); err == nil {
		t.Error("nothing was measured, and nobody was told")
	}
}
