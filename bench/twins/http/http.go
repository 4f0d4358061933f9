// Package http is the handler of the twins that serve an http.Handler behind a
// function URL.
package http

import (
	"io"
	"net/http"

	"github.com/berthdev/berth/bench/twins/count"
)

// CountPath asks the handler for [count.Heap].
const CountPath = "/heap"

// Handler is a small application.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":"`+r.PathValue("id")+`","tenant":"`+r.URL.Query().Get("tenant-id")+`"}`)
	})
	mux.HandleFunc("GET "+CountPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, count.Heap())
	})
	return mux
}
