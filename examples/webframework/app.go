package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdahttp"
)

// newApp is the application. It knows nothing of Lambda, but for the one route
// that tells of it.
func newApp() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Timeout(4 * time.Second))
	r.Get("/", index)
	r.Route("/tides/{port}", func(r chi.Router) {
		r.Get("/", tides)
		r.Get("/{day}", tides)
	})
	r.Post("/shout", shout)
	r.Get("/whereami", whereami)
	return r
}

func index(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "GET /tides/{port}/{day}, POST /shout, GET /whereami")
}

// tides answers with made-up tides: what matters here are the parameters.
func tides(w http.ResponseWriter, r *http.Request) {
	day := time.Now()
	if text := chi.URLParam(r, "day"); text != "" {
		var err error
		if day, err = time.Parse(time.DateOnly, text); err != nil {
			http.Error(w, text+" is not a day such as 2026-11-23", http.StatusBadRequest)
			return
		}
	}
	// The moon is back at its place after 24 hours and 50 minutes.
	high := time.Duration(day.YearDay()) * 50 * time.Minute % (12*time.Hour + 25*time.Minute)
	first := day.Truncate(24 * time.Hour).Add(high)
	write(w, map[string]any{
		"port": chi.URLParam(r, "port"),
		"high": []string{first.Format(time.TimeOnly), first.Add(12*time.Hour + 25*time.Minute).Format(time.TimeOnly)},
	})
}

// maxShout bounds a body, in bytes.
const maxShout = 64 << 10

func shout(w http.ResponseWriter, r *http.Request) {
	var in struct{ Text string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxShout)).Decode(&in); err != nil {
		http.Error(w, "the body is not a text to shout", http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "voice", Value: "hoarse", Path: "/"})
	write(w, map[string]any{"text": strings.ToUpper(in.Text)})
}

// whereami tells what runs the application.
func whereami(w http.ResponseWriter, r *http.Request) {
	inv, ok := lambda.FromContext(r.Context())
	if !ok {
		write(w, map[string]any{"server": "net/http"})
		return
	}
	out := map[string]any{"server": "Lambda", "requestId": inv.RequestID}
	if event, ok := lambdahttp.FromContext(r.Context()); ok {
		out["door"], out["stage"] = event.Source, event.Stage
	}
	write(w, out)
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that has left gets no answer
}
