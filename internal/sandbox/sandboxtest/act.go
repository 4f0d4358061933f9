package sandboxtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// actVar chooses what the test binary does inside a sandbox.
const actVar = "BERTH_SANDBOXTEST_ACT"

// raceVar keeps a function that is built with the race detector from waiting a
// second at its end.
const raceVar = "GORACE"

// Act makes the test binary its own function: inside a sandbox of [Run] it does
// what the test asked for and ends; elsewhere it returns at once. Call it in
// TestMain, behind the driver's own hook.
func Act() {
	act, ok := os.LookupEnv(actVar)
	if !ok {
		return
	}
	verb, arg, _ := strings.Cut(act, " ")
	f, ok := acts[verb]
	if !ok {
		fmt.Println("no act is called", verb)
		os.Exit(100)
	}
	if err := f(arg); err != nil {
		fmt.Println("act", act, "-", err)
		os.Exit(101)
	}
	os.Exit(0)
}

// acts are what a function of the suite can do; each ends with status 0.
var acts = map[string]func(arg string) error{
	"exit":   func(arg string) error { n, err := strconv.Atoi(arg); exitWith(n); return err },
	"die":    die,
	"print":  func(arg string) error { _, err := os.Stdout.WriteString(arg); return err },
	"both":   both,
	"env":    printEnv,
	"where":  where,
	"call":   call,
	"hold":   func(string) error { return hold(os.Getenv("AWS_LAMBDA_RUNTIME_API")) },
	"family": family,
	"term":   term,
	"tick":   tick,
	"note":   note,
	"find":   find,
	"eat":    eat,
}

func exitWith(n int) {
	if n != 0 {
		os.Exit(n)
	}
}

func die(string) error {
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		return err
	}
	select {}
}

func both(string) error {
	for i := range 100 {
		if _, err := fmt.Fprintln([]*os.File{os.Stdout, os.Stderr}[i%2], i); err != nil {
			return err
		}
	}
	return nil
}

func printEnv(string) error {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, actVar) || strings.HasPrefix(kv, raceVar) })
	slices.Sort(env)
	_, err := fmt.Println(strings.Join(env, "\n"))
	return err
}

// where prints whether the working directory is the one that LAMBDA_TASK_ROOT
// names, and holds the code.
func where(string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := filepath.EvalSymlinks(os.Getenv("LAMBDA_TASK_ROOT"))
	if err != nil {
		return err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	_, err = os.Stat("bootstrap")
	fmt.Println(dir == root, err == nil)
	return nil
}

// call sends one line to the Runtime API's address and prints the answer.
func call(arg string) error {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, arg); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	fmt.Print(answer)
	return err
}

// hold connects and waits for the end, which never comes: the connection lives
// exactly as long as this process.
func hold(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

// family starts a child, and that one a grandchild in a session of its own; all
// three hold a connection.
func family(arg string) error {
	generation, err := strconv.Atoi(arg)
	if err != nil {
		return err
	}
	if generation > 1 {
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		child := exec.Command(exe)
		child.Env = append(os.Environ(), fmt.Sprintf("%s=family %d", actVar, generation-1))
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: generation == 2}
		if err := child.Start(); err != nil {
			return err
		}
	}
	return hold(os.Getenv("AWS_LAMBDA_RUNTIME_API"))
}

// term says that it is ready, and ends well at SIGTERM.
func term(string) error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	fmt.Println("ready")
	fmt.Println("got", <-c)
	return nil
}

// tick writes to the Runtime API as fast as it can, and never stops.
func tick(string) error {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	for err == nil {
		_, err = conn.Write([]byte("tick"))
	}
	return err
}

func note(arg string) error {
	return os.WriteFile(filepath.Join(os.TempDir(), arg), []byte("a note"), 0o644)
}

func find(arg string) error {
	_, err := os.Stat(filepath.Join(os.TempDir(), arg))
	_, perr := fmt.Println(err == nil)
	return perr
}

// eat uses so many megabytes of memory, one page at a time.
func eat(arg string) error {
	mb, err := strconv.Atoi(arg)
	if err != nil {
		return err
	}
	b := make([]byte, mb<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	fmt.Println("ate", len(b)>>20)
	return hold(os.Getenv("AWS_LAMBDA_RUNTIME_API"))
}
