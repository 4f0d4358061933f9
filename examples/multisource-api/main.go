// Command multisource-api is one handler behind several doors: a load balancer, a
// REST API and an HTTP API. The events differ; what the handler sees doesn't.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdahttp"
)

func main() {
	lambda.Start(lambdahttp.Handler(newAPI()))
}

func newAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /quays/{quay}", quay)
	mux.HandleFunc("POST /quays/{quay}/ships", moor)
	return mux
}

// Quay is an answer, with what the handler saw of the request.
type Quay struct {
	Quay   string   `json:"quay"`
	Ships  []string `json:"ships"`
	Client string   `json:"client"` // IP address
	Door   string   `json:"door"`   // for the reader: a handler rarely needs it
}

// quay answers with the ships that the query repeats.
func quay(w http.ResponseWriter, r *http.Request) {
	answer(w, r, http.StatusOK, r.URL.Query()["ship"])
}

// maxShip bounds a body, in bytes.
const maxShip = 4096

// moor answers with the ship in the body, and two cookies: a header that repeats
// goes out in another way through each door.
func moor(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxShip)).Decode(&in); err != nil || in.Name == "" {
		http.Error(w, "the body is no ship with a name", http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "quay", Value: r.PathValue("quay")})
	http.SetCookie(w, &http.Cookie{Name: "ship", Value: in.Name})
	w.Header().Set("Location", fmt.Sprintf("/quays/%s", r.PathValue("quay")))
	answer(w, r, http.StatusCreated, []string{in.Name})
}

func answer(w http.ResponseWriter, r *http.Request, status int, ships []string) {
	out := Quay{Quay: r.PathValue("quay"), Ships: ships, Door: "net/http"}
	out.Client, _, _ = net.SplitHostPort(r.RemoteAddr)
	if event, ok := lambdahttp.FromContext(r.Context()); ok {
		out.Door = string(event.Source)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // a client that has left gets no answer
}
