// Command hostile is a function that does to its platform whatever its event says.
// It speaks the Runtime API by hand, since no library would do what it does.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

type event struct {
	Do   string `json:"do"`
	Size int    `json:"size"`
}

// call is one invocation.
type call struct {
	event
	id, tenant string
}

var api = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime"

func main() {
	if os.Getenv("DEAF") != "" {
		signal.Ignore(syscall.SIGTERM)
		if err := register(); err != nil {
			fmt.Println(err)
			os.Exit(9)
		}
	}
	for count := 1; ; count++ {
		c, err := next()
		if err != nil {
			fmt.Println(err)
			os.Exit(9)
		}
		answer, err := c.serve(count)
		switch {
		case err == nil:
			_, err = post(c.id, "response", answer)
		case errors.Is(err, errAnswered):
			err = nil
		default:
			_, err = post(c.id, "error", map[string]string{"errorType": "Hostile", "errorMessage": err.Error()})
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(9)
		}
		if c.Do == "never" {
			time.Sleep(time.Hour)
		}
	}
}

func next() (call, error) {
	resp, err := http.Get(api + "/invocation/next")
	if err != nil {
		return call{}, err
	}
	defer resp.Body.Close()
	c := call{id: resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), tenant: resp.Header.Get("Lambda-Runtime-Aws-Tenant-Id")}
	return c, json.NewDecoder(resp.Body).Decode(&c.event)
}

// post sends an answer and returns the status that it got.
func post(id, what string, body any) (int, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	resp, err := http.Post(api+"/invocation/"+id+"/"+what, "application/json", bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// errAnswered says that the invocation has its answer.
var errAnswered = errors.New("answered")

// serve does what the event says. What it returns is posted.
func (c call) serve(count int) (any, error) {
	switch c.Do {
	case "echo", "never":
		fmt.Println("seen", c.id)
		return map[string]any{"id": c.id, "tenant": c.tenant, "count": count}, nil
	case "exit":
		os.Exit(c.Size)
	case "hang":
		time.Sleep(time.Hour)
	case "spin":
		for range 8 {
			go spin()
		}
		spin()
	case "forks":
		return bear(c.Size)
	case "threads":
		return nil, multiply(c.Size)
	case "memory":
		return hoard(c.Size)
	case "disk":
		return fill(c.Size)
	case "descriptors":
		return collect(c.Size)
	case "flood":
		return flood(c.Size)
	case "hangup":
		http.DefaultClient.CloseIdleConnections()
		time.Sleep(time.Hour)
	case "garbage":
		return c.speak("\x16\x03\x01 this is no HTTP \x00\xff\r\n\r\n")
	case "half":
		return c.speak("POST /2018-06-01/runtime/invocation/" + c.id + "/response HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	case "stranger":
		return post("8476a536-e9f4-11e8-9739-2dfe598c3fcd", "response", "not mine")
	case "twice":
		if _, err := post(c.id, "response", "the first"); err != nil {
			return nil, err
		}
		status, err := post(c.id, "response", "the second")
		fmt.Println("the second got", status, err)
		return nil, errAnswered
	}
	return nil, fmt.Errorf("%q is nothing that I can do", c.Do)
}

func spin() {
	for i := 0; ; i++ {
		runtime.KeepAlive(i)
	}
}

// bear starts children that stay, up to n, and tells how many it could start.
func bear(n int) (any, error) {
	for i := range n {
		if err := exec.Command("/bin/sleep", "1000").Start(); err != nil {
			return map[string]any{"done": i, "refused": errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM)}, nil
		}
	}
	return map[string]any{"done": n}, nil
}

// multiply makes n threads that stay. Go ends the process when it can't have one.
func multiply(n int) error {
	ready := make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread()
			ready <- struct{}{}
			time := syscall.Timespec{Sec: 1000}
			_ = syscall.Nanosleep(&time, nil)
		}()
		<-ready
	}
	return fmt.Errorf("%d threads run", n)
}

// hoard takes n MB of memory and writes to all of it.
func hoard(n int) (any, error) {
	var all [][]byte
	for range n {
		all = append(all, bytes.Repeat([]byte{1}, 1<<20))
	}
	return len(all), nil
}

// fill writes n MB to /tmp and tells how many it could write.
func fill(n int) (any, error) {
	f, err := os.Create("/tmp/fill")
	if err != nil {
		return nil, err
	}
	defer os.Remove("/tmp/fill")
	defer f.Close()
	block := make([]byte, 1<<20)
	for i := range n {
		if _, err := f.Write(block); err != nil {
			return map[string]any{"done": i, "refused": errors.Is(err, syscall.ENOSPC)}, nil
		}
	}
	return map[string]any{"done": n}, nil
}

// collect opens n files and tells how many it could have at once.
func collect(n int) (any, error) {
	var all []*os.File
	defer func() {
		for _, f := range all {
			f.Close()
		}
	}()
	for i := range n {
		f, err := os.Open("/dev/null")
		if err != nil {
			return map[string]any{"done": i, "refused": errors.Is(err, syscall.EMFILE)}, nil
		}
		all = append(all, f)
	}
	return map[string]any{"done": n}, nil
}

// lineBytes is the length of a line of flood's, its newline included.
const lineBytes = 1000

// flood prints n MB of lines, and tells how many lines these were.
func flood(n int) (any, error) {
	line := []byte(strings.Repeat("x", lineBytes-1) + "\n")
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	for range n * 1000 {
		if _, err := out.Write(line); err != nil {
			return nil, err
		}
	}
	return n * 1000, out.Flush()
}

// speak says something else than HTTP to the Runtime API, and ends.
func (c call) speak(words string) (any, error) {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, words); err != nil {
		return nil, err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return nil, err
	}
	answer, _ := io.ReadAll(conn)
	head, _, _ := strings.Cut(string(answer), "\r\n")
	fmt.Println("the Runtime API said", head)
	os.Exit(0)
	return nil, nil
}

// register makes an extension known that the process has, so that it would be
// sent SIGTERM before its end, and waits for its events as long as the process is.
func register() error {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension"
	r, err := http.NewRequest(http.MethodPost, base+"/register", strings.NewReader(`{"events":[]}`))
	if err != nil {
		return err
	}
	r.Header.Set("Lambda-Extension-Name", "deaf")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	ask, err := http.NewRequest(http.MethodGet, base+"/event/next", nil)
	if err != nil {
		return err
	}
	ask.Header.Set("Lambda-Extension-Identifier", resp.Header.Get("Lambda-Extension-Identifier"))
	go func() { _, _ = http.DefaultClient.Do(ask) }() // no event comes before the end
	return nil
}
