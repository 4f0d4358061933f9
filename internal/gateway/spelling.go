package gateway

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// KeepSpelling makes the doors that server serves show header names as clients
// wrote them, which is what API Gateway does and package http forgets: a function
// that looks for "x-api-version" would find "X-Api-Version". Serve on the listener
// that it returns. Without it, and for requests that a client sends before it has
// the answer to the last one, events show the canonical names.
func KeepSpelling(server *http.Server, l net.Listener) net.Listener {
	connContext, connState := server.ConnContext, server.ConnState
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if connContext != nil {
			ctx = connContext(ctx, c)
		}
		if kept, ok := c.(*spellingConn); ok {
			ctx = context.WithValue(ctx, spellingKey{}, kept)
		}
		return ctx
	}
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if kept, ok := c.(*spellingConn); ok && state == http.StateIdle {
			kept.next()
		}
		if connState != nil {
			connState(c, state)
		}
	}
	return spellingListener{l}
}

type spellingKey struct{}

// spellings has the header names of a request as its client wrote them, by
// canonical name; nil when nobody kept them.
func spellings(ctx context.Context) map[string]string {
	if c, ok := ctx.Value(spellingKey{}).(*spellingConn); ok {
		return c.names()
	}
	return nil
}

type spellingListener struct{ net.Listener }

func (l spellingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &spellingConn{Conn: c}, nil
}

// spellingConn looks over the shoulder of the server that reads from it. It
// decides nothing but how a name is spelled: which headers there are, the server
// has read for itself.
type spellingConn struct {
	net.Conn

	mu   sync.Mutex
	head headReader
}

func (c *spellingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head.read(p[:n])
	return n, err
}

// next expects the head of another request.
func (c *spellingConn) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head = headReader{}
}

// names may be kept: once a request's handler runs, its head is complete and no
// more is added to the map.
func (c *spellingConn) names() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head.names
}

// headReader picks the names out of the head of one HTTP/1.1 request, which may
// arrive in any pieces.
type headReader struct {
	names     map[string]string // by canonical name
	name      []byte            // of the line that is being read
	inRequest bool              // the request line has passed
	inValue   bool
	line      int // bytes of the line so far, without its end
	done      bool
}

// maxHeaderName is how much of a line can be a name; no header that anyone uses
// comes near.
const maxHeaderName = 256

func (h *headReader) read(p []byte) {
	for _, b := range p {
		switch {
		case h.done:
			return
		case b == '\n':
			h.endLine()
		case b == '\r':
		case b == ':' && !h.inValue:
			h.inValue = true
			h.line++
		default:
			h.line++
			if h.inRequest && !h.inValue && len(h.name) < maxHeaderName {
				h.name = append(h.name, b)
			}
		}
	}
}

func (h *headReader) endLine() {
	switch {
	case h.inRequest && h.line == 0:
		h.done = true
	case h.inRequest && h.inValue && len(h.name) < maxHeaderName:
		if h.names == nil {
			h.names = map[string]string{}
		}
		name := string(h.name)
		h.names[http.CanonicalHeaderKey(name)] = name
	case !h.inRequest && h.line > 0:
		h.inRequest = true
	}
	h.name, h.inValue, h.line = h.name[:0], false, 0
}
