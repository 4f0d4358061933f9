// Command streaming-apigateway sends a ship's position as server-sent events
// through a REST API: an ordinary http.Handler that flushes.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdahttp"
)

func main() {
	lambda.Start(lambdahttp.Handler(newApp(), lambdahttp.WithStreaming()))
}

func newApp() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /positions/{ship}", positions)
	return mux
}

// Position is one event.
type Position struct {
	Ship   string `json:"ship"`
	Metres int    `json:"metres"` // since the departure
}

// The bounds of a stream.
const (
	maxReports = 60
	pause      = 250 * time.Millisecond
	leap       = 2 // metres from one report to the next
)

// positions reports the ship's position as often as the query's reports asks for.
func positions(w http.ResponseWriter, r *http.Request) {
	reports := 3
	if text := r.URL.Query().Get("reports"); text != "" {
		var err error
		if reports, err = strconv.Atoi(text); err != nil || reports < 1 || reports > maxReports {
			http.Error(w, fmt.Sprintf("reports is a number from 1 to %d", maxReports), http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	stream := http.NewResponseController(w)
	clock := time.NewTicker(pause)
	defer clock.Stop()
	for n := range reports {
		if n > 0 {
			select {
			case <-clock.C:
			case <-r.Context().Done():
				return
			}
		}
		data, err := json.Marshal(Position{Ship: r.PathValue("ship"), Metres: n * leap})
		if err != nil {
			return
		}
		fmt.Fprintf(w, "id: %d\nevent: position\ndata: %s\n\n", n+1, data)
		if stream.Flush() != nil {
			return // the client has left
		}
	}
}
