package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client calls one address over one connection. It is as lean as it can be, so
// that what is measured is the server: the request is composed once, and of the
// answer only status and length are read.
type client struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

// dial connects to a peer; tenant may be "".
func dial(ctx context.Context, p peer, tenant string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", p.name, err)
	}
	c := &client{conn: conn, in: bufio.NewReader(conn)}
	c.become(p, tenant)
	return c, nil
}

// event is what every call sends, and what every peer gives back.
const event = `{"order":"2f6c1a","items":[{"sku":"A-1","count":2}],"note":"a small event"}`

// become makes the next calls those of another tenant.
func (c *client) become(p peer, tenant string) {
	b := bytes.NewBuffer(c.request[:0])
	fmt.Fprintf(b, "POST /2015-03-31/functions/%s/invocations HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n",
		p.function, p.address, len(event))
	if tenant != "" && p.tenants {
		fmt.Fprintf(b, "X-Amz-Tenant-Id: %s\r\n", tenant)
	}
	b.WriteString("\r\n" + event)
	c.request = b.Bytes()
}

// patience is how long one call may take.
const patience = 30 * time.Second

// call makes one call and returns what it took.
func (c *client) call() (time.Duration, error) {
	begin := time.Now()
	if err := c.conn.SetDeadline(begin.Add(patience)); err != nil {
		return 0, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, err
	}
	status, length, err := c.head()
	if err != nil {
		return 0, err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.in, body); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if status != 200 || string(body) != event {
		return took, fmt.Errorf("answered %d %.200s", status, body)
	}
	return took, nil
}

// head reads the status line and the header fields.
func (c *client) head() (status, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return 0, 0, fmt.Errorf("a status line %q", line)
	}
	if status, err = strconv.Atoi(string(fields[1])); err != nil {
		return 0, 0, err
	}
	length = -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		name, value, ok := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if !ok {
			break
		}
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, 0, err
			}
		}
	}
	if length < 0 {
		return 0, 0, errors.New("an answer without a length")
	}
	return status, length, nil
}

func (c *client) close() { _ = c.conn.Close() }
