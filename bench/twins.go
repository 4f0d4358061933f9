package main

import (
	"github.com/berthdev/berth/bench/twins/background"
	"github.com/berthdev/berth/bench/twins/http"
	"github.com/berthdev/berth/bench/twins/raw"
	"github.com/berthdev/berth/bench/twins/stream"
	"github.com/berthdev/berth/bench/twins/typed"
)

// twins is one function on two libraries, below the folder twins, and what is
// measured of it.
type twins struct {
	name  string
	event []byte
	heap  []byte // the event that asks for what has been allocated
	size  int64  // of a streamed response, in bytes; 0 for others
	few   int    // invocations are divided by it; 0 means 1

	targets targets
}

// targets are ratios to stay below, 0 for none, unless they say otherwise.
type targets struct {
	p50, cpu, start, memory, binary float64

	objects    float64 // heap objects per invocation, in all
	firstByte  float64
	throughput float64 // to reach
}

func allTwins() []twins {
	return []twins{
		{
			name:  "raw",
			event: []byte(`{"order":"2f6c1a","items":[{"sku":"A-1","n":2},{"sku":"B-7","n":1}],"note":"leave it at the door"}`),
			heap:  []byte(raw.CountEvent),
			targets: targets{
				p50: 0.42, cpu: 0.37, start: 0.70, memory: 0.40, binary: 0.48, objects: 3,
			},
		},
		{
			name:    "typed",
			event:   restEvent("/orders/2f6c1a"),
			heap:    restEvent(typed.CountPath),
			targets: targets{p50: 0.45, cpu: 0.45},
		},
		{
			name:    "stream",
			event:   []byte(`{"rawPath":"/"}`),
			heap:    []byte(stream.CountEvent),
			size:    stream.Size,
			few:     50,
			targets: targets{throughput: 2, firstByte: 0.5},
		},
		{
			name:    "records",
			event:   []byte(`{"rawPath":"/"}`),
			heap:    []byte(stream.CountEvent),
			size:    stream.Size,
			few:     50,
			targets: targets{throughput: 2, firstByte: 0.5},
		},
		{
			name:  "background",
			event: []byte(`"order 2f6c1a"`),
			heap:  []byte(background.CountEvent),
			few:   5,
		},
		{
			name:  "http",
			event: urlEvent("/orders/2f6c1a"),
			heap:  urlEvent(http.CountPath),
		},
	}
}
