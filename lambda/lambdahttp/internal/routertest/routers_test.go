package routertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdahttp"
	"github.com/berthdev/berth/lambda/lambdatest"
)

// The application, as far as no router is in it.

type order struct {
	SKU   string `json:"sku"`
	Count int    `json:"count"`
}

// describe tells what arrived, for GET /orders/{id}.
func describe(r *http.Request, id string) string {
	var cookies []string
	for _, c := range r.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	return fmt.Sprintf("order %s, expand %q, tags %q, cookies %q, tenant %s, from %s at %s",
		id, r.URL.Query()["expand"], strings.Join(r.Header.Values("X-Tag"), ","), cookies,
		lambda.TenantID(r.Context()), r.RemoteAddr, r.Host)
}

// logo is what GET /logo answers with: bytes that are no text.
var logo = []byte("\x89PNG\r\n\x1a\n")

// The application on each router: GET /orders/:id describes the request, POST
// /orders gives the order back and sets two cookies, GET /files/* tells the rest
// of the path, GET /logo sends bytes, GET /ticks three server-sent events.

func onMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, describe(r, r.PathValue("id")))
	})
	mux.HandleFunc("POST /orders", postOrder)
	mux.HandleFunc("GET /files/{rest...}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("rest")) })
	mux.HandleFunc("GET /logo", func(w http.ResponseWriter, _ *http.Request) { w.Write(logo) })
	mux.HandleFunc("GET /ticks", ticks)
	return mux
}

func onChi() http.Handler {
	r := chi.NewRouter()
	r.Get("/orders/{id}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, describe(r, chi.URLParam(r, "id"))) })
	r.Post("/orders", postOrder)
	r.Get("/files/*", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, chi.URLParam(r, "*")) })
	r.Get("/logo", func(w http.ResponseWriter, _ *http.Request) { w.Write(logo) })
	r.Get("/ticks", ticks)
	return r
}

func onEcho() http.Handler {
	e := echo.New()
	e.GET("/orders/:id", func(c echo.Context) error { return c.String(200, describe(c.Request(), c.Param("id"))) })
	e.POST("/orders", func(c echo.Context) error {
		var o order
		if err := c.Bind(&o); err != nil {
			return err
		}
		c.SetCookie(&http.Cookie{Name: "a", Value: "1"})
		c.SetCookie(&http.Cookie{Name: "b", Value: "2"})
		return c.JSON(http.StatusCreated, o)
	})
	e.GET("/files/*", func(c echo.Context) error { return c.String(200, c.Param("*")) })
	e.GET("/logo", func(c echo.Context) error { return c.Blob(200, "image/png", logo) })
	e.GET("/ticks", func(c echo.Context) error { ticks(c.Response(), c.Request()); return nil })
	return e
}

func onGin() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.GET("/orders/:id", func(c *gin.Context) { c.String(200, "%s", describe(c.Request, c.Param("id"))) })
	g.POST("/orders", func(c *gin.Context) {
		var o order
		if err := c.ShouldBindJSON(&o); err != nil {
			c.AbortWithStatus(http.StatusBadRequest)
			return
		}
		http.SetCookie(c.Writer, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(c.Writer, &http.Cookie{Name: "b", Value: "2"})
		c.JSON(http.StatusCreated, o)
	})
	g.GET("/files/*rest", func(c *gin.Context) { c.String(200, "%s", strings.TrimPrefix(c.Param("rest"), "/")) })
	g.GET("/logo", func(c *gin.Context) { c.Data(200, "image/png", logo) })
	g.GET("/ticks", func(c *gin.Context) { ticks(c.Writer, c.Request) })
	return g
}

func postOrder(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
	http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(o)
}

func ticks(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for i := range 3 {
		fmt.Fprintf(w, "data: %d\n\n", i)
		if err := out.Flush(); err != nil {
			panic(err)
		}
	}
}

var routers = map[string]func() http.Handler{"net http": onMux, "chi": onChi, "echo": onEcho, "gin": onGin}

// request is one that a client makes, in words of no door.
type request struct {
	method, path string
	query        map[string][]string // in order of the names
	header       map[string]string
	cookies      []string
	body         string
}

// doors turn a request into the event of each door. The doors that can't hand on
// everything are not asked to.
var doors = map[string]func(request) map[string]any{
	"REST API": func(r request) map[string]any {
		headers := lists(r.header)
		headers["Host"] = []string{"shop.example"}
		if len(r.cookies) > 0 {
			headers["Cookie"] = []string{strings.Join(r.cookies, "; ")}
		}
		return map[string]any{
			"resource": "/{proxy+}", "path": r.path, "httpMethod": r.method,
			"multiValueHeaders": headers, "multiValueQueryStringParameters": r.query,
			"requestContext": map[string]any{"stage": "Prod", "path": "/Prod" + r.path, "identity": map[string]any{"sourceIp": "192.0.2.7"}},
			"body":           r.body, "isBase64Encoded": false,
		}
	},
	"HTTP API": func(r request) map[string]any {
		return v2(r, "/live", "live", "x.execute-api.eu-central-1.amazonaws.com")
	},
	"function URL": func(r request) map[string]any {
		return v2(r, "", "$default", "x.lambda-url.eu-central-1.on.aws")
	},
	"ALB": func(r request) map[string]any {
		headers := lists(r.header)
		headers["host"] = []string{"shop.example"}
		headers["x-forwarded-for"] = []string{"192.0.2.7"}
		if len(r.cookies) > 0 {
			headers["cookie"] = []string{strings.Join(r.cookies, "; ")}
		}
		return map[string]any{
			"requestContext": map[string]any{"elb": map[string]any{"targetGroupArn": "arn"}},
			"path":           r.path, "httpMethod": r.method,
			"multiValueHeaders": headers, "multiValueQueryStringParameters": r.query,
			"body": r.body, "isBase64Encoded": false,
		}
	},
}

func v2(r request, prefix, stage, domain string) map[string]any {
	headers := map[string]string{"host": "shop.example"}
	for k, v := range r.header {
		headers[strings.ToLower(k)] = v
	}
	var query []string
	for _, name := range slices.Sorted(maps.Keys(r.query)) {
		for _, v := range r.query[name] {
			query = append(query, name+"="+v)
		}
	}
	return map[string]any{
		"version": "2.0", "rawPath": prefix + r.path, "rawQueryString": strings.Join(query, "&"),
		"headers": headers, "cookies": r.cookies,
		"requestContext": map[string]any{
			"stage": stage, "apiId": "x", "domainName": domain, "domainPrefix": "x",
			"http": map[string]any{"method": r.method, "path": prefix + r.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7"},
		},
		"body": r.body, "isBase64Encoded": false,
	}
}

func lists(header map[string]string) map[string][]string {
	m := map[string][]string{}
	for k, v := range header {
		m[k] = []string{v}
	}
	return m
}

// answer is what the doors understand, all of it.
type answer struct {
	StatusCode        int
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Cookies           []string
	Body              string
	IsBase64Encoded   bool
}

func (a answer) contentType() string {
	return a.Headers["Content-Type"] + strings.Join(a.MultiValueHeaders["Content-Type"], "")
}

func (a answer) setCookies() []string {
	return append(a.MultiValueHeaders["Set-Cookie"], a.Cookies...)
}

func invoke(t *testing.T, f *lambdatest.Function, event map[string]any) answer {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Invoke(t.Context(), lambdatest.Event{Payload: payload, TenantID: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestEveryRouterBehindEveryDoor(t *testing.T) {
	get := func(path string) request { return request{method: "GET", path: path} }
	for _, c := range []struct {
		name        string
		request     request
		status      int
		contentType string
		body        string
		cookies     []string
	}{
		{"a parameter, and all that comes with a request",
			request{method: "GET", path: "/orders/7", query: map[string][]string{"expand": {"items", "customer"}},
				header: map[string]string{"X-Tag": "one"}, cookies: []string{"s=1", "t=2"}},
			200, "text/plain",
			`order 7, expand ["items" "customer"], tags "one", cookies ["s=1" "t=2"], tenant alice, from 192.0.2.7:0 at shop.example`, nil},
		{"a body in, and one out, with cookies",
			request{method: "POST", path: "/orders", header: map[string]string{"Content-Type": "application/json"}, body: `{"sku":"A-1","count":2}`},
			201, "application/json", `{"sku":"A-1","count":2}`, []string{"a=1", "b=2"}},
		{"a body that is not what is expected",
			request{method: "POST", path: "/orders", header: map[string]string{"Content-Type": "application/json"}, body: `{"sku":`},
			400, "", "", nil},
		{"the rest of a path", get("/files/a/b.txt"), 200, "text/plain", "a/b.txt", nil},
		{"bytes", get("/logo"), 200, "image/png", "iVBORw0KGgo=", nil},
		{"no route", get("/nowhere"), 404, "", "", nil},
		{"no method", request{method: "DELETE", path: "/orders"}, 0, "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for router, make := range routers {
				f := lambdatest.Start(t, lambdahttp.Handler(make()))
				for door, event := range doors {
					t.Run(router+" behind "+door, func(t *testing.T) {
						a := invoke(t, f, event(c.request))
						if c.status == 0 { // gin answers 404 where others say 405
							if a.StatusCode != 405 && a.StatusCode != 404 {
								t.Errorf("status %d", a.StatusCode)
							}
							return
						}
						if a.StatusCode != c.status || !strings.HasPrefix(a.contentType(), c.contentType) {
							t.Errorf("status %d, %s; want %d, %s", a.StatusCode, a.contentType(), c.status, c.contentType)
						}
						if c.body != "" && strings.TrimSpace(a.Body) != c.body {
							t.Errorf("body %s\nwant %s", a.Body, c.body)
						}
						if got := a.setCookies(); !slices.Equal(got, c.cookies) {
							t.Errorf("cookies %q, want %q", got, c.cookies)
						}
						if a.IsBase64Encoded != (c.contentType == "image/png") {
							t.Errorf("in base64: %t", a.IsBase64Encoded)
						}
					})
				}
			}
		})
	}
}

func TestEveryRouterStreams(t *testing.T) {
	payload, err := json.Marshal(doors["function URL"](request{method: "GET", path: "/ticks"}))
	if err != nil {
		t.Fatal(err)
	}
	for router, make := range routers {
		t.Run(router, func(t *testing.T) {
			f := lambdatest.Start(t, lambdahttp.Handler(make(), lambdahttp.WithStreaming()))
			s, err := f.Open(t.Context(), lambdatest.Event{Payload: payload})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			head, err := s.Head()
			if err != nil || head.StatusCode != 200 || head.Headers["Content-Type"] != "text/event-stream" {
				t.Fatalf("head %+v, error %v", head, err)
			}
			body := bufio.NewReader(s)
			for i := range 3 {
				line, err := body.ReadString('\n')
				if want := fmt.Sprintf("data: %d\n", i); line != want || err != nil {
					t.Errorf("read %q, error %v; want %q", line, err, want)
				}
				if _, err := body.ReadString('\n'); err != nil {
					t.Error(err)
				}
			}
			if _, err := body.ReadByte(); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}
