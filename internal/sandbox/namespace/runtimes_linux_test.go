package namespace

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
)

// runtimes are programs of the usual languages that do what runtimes do: threads,
// timers, files in /tmp, names, random numbers, a child, a socket. What needs
// /dev/shm, such as Python's multiprocessing.Pool, works here as little as on
// Lambda, where there is none either.
var runtimes = []struct {
	name, interpreter, file, source string
	command                         []string
}{
	{"Python", "/usr/bin/python3", "main.py", `
import concurrent.futures, ctypes, getpass, os, random, socket, ssl, subprocess, tempfile, time
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert sum(pool.map(lambda n: n*n, range(100))) == 328350
with tempfile.NamedTemporaryFile() as f:
    f.write(b"x" * 100000)
assert subprocess.run(["/bin/sh", "-c", "echo child"], capture_output=True).stdout == b"child\n"
assert getpass.getuser() == "sbx_user1051", getpass.getuser()
socket.create_connection(os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")).close()
ssl.create_default_context(); os.urandom(8); time.sleep(0.001)
print("well")
`, nil},
	{"Node", "/usr/bin/node", "main.js", `
const fs = require("fs"), os = require("os"), net = require("net"), { execFileSync } = require("child_process");
const { Worker } = require("worker_threads");
fs.writeFileSync("/tmp/x", "x".repeat(100000));
os.cpus(); os.networkInterfaces(); os.totalmem();
if (execFileSync("/bin/sh", ["-c", "echo child"]).toString() !== "child\n") throw "child";
if (os.userInfo().username !== "sbx_user1051") throw os.userInfo().username;
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const s = net.connect(+port, host, () => { s.destroy();
  new Worker("require('crypto').randomBytes(8)", { eval: true }).on("exit", () => console.log("well"));
});
`, nil},
	{"Java", "/usr/bin/java", "Main.java", `
import java.net.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*;
public class Main { public static void main(String[] a) throws Exception {
  try (var pool = new Closer(Executors.newFixedThreadPool(8))) {
    pool.p.submit(() -> 1).get();
  }
  Files.writeString(Files.createTempFile("x", "y"), "x".repeat(100000));
  var out = new ProcessBuilder("/bin/sh", "-c", "echo child").start().getInputStream().readAllBytes();
  if (!new String(out).equals("child\n")) throw new Exception("child");
  if (!System.getProperty("user.name").equals("sbx_user1051")) throw new Exception(System.getProperty("user.name"));
  var api = System.getenv("AWS_LAMBDA_RUNTIME_API").split(":");
  new Socket(api[0], Integer.parseInt(api[1])).close();
  new java.security.SecureRandom().nextLong(); NetworkInterface.getNetworkInterfaces();
  System.out.println("well");
} record Closer(ExecutorService p) implements AutoCloseable { public void close() { p.shutdown(); } } }
`, []string{"/usr/bin/java", "-Xmx128m", "/var/task/Main.java"}},
}

func TestRuntimes(t *testing.T) {
	d := newDriver(t)
	for _, r := range runtimes {
		t.Run(r.name, func(t *testing.T) {
			if _, err := os.Stat(r.interpreter); err != nil {
				t.Skip(err)
			}
			dir := codeFolder(t)
			if err := os.WriteFile(filepath.Join(dir, r.file), []byte(r.source), 0o644); err != nil {
				t.Fatal(err)
			}
			command := r.command
			if command == nil {
				command = []string{r.interpreter, "/var/task/" + r.file}
			}
			runWell(t, d, dir, command)
		})
	}
}

// Rust and C are compiled, where their compilers are here.
func TestCompiledRuntimes(t *testing.T) {
	d := newDriver(t)
	for _, r := range []struct {
		name, file, source string
		build              []string
	}{
		{"Rust", "main.rs", `
use std::{env, fs, io::Write, net::TcpStream, process::Command, thread, time::Duration};
fn main() {
    let all: Vec<_> = (0..8).map(|n| thread::spawn(move || n * n)).collect();
    let sum: i32 = all.into_iter().map(|t| t.join().unwrap()).sum();
    assert_eq!(sum, 140);
    fs::File::create("/tmp/x").unwrap().write_all(&[0; 100000]).unwrap();
    assert_eq!(Command::new("/bin/sh").args(["-c", "echo child"]).output().unwrap().stdout, b"child\n");
    TcpStream::connect(env::var("AWS_LAMBDA_RUNTIME_API").unwrap()).unwrap();
    thread::sleep(Duration::from_millis(1));
    println!("well");
}
`, []string{"rustc", "-o", "bootstrap", "main.rs"}},
		{"C", "main.c", `
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static void *run(void *arg) { sem_post(arg); return NULL; }
int main(void) {
    sem_t sem; pthread_t t; sem_init(&sem, 0, 0);
    if (pthread_create(&t, NULL, run, &sem) || sem_wait(&sem) || pthread_join(t, NULL)) return 1;
    struct passwd *p = getpwuid(getuid());
    if (!p || strcmp(p->pw_name, "sbx_user1051")) return 2;
    FILE *f = tmpfile();
    if (!f || fprintf(f, "x") != 1) return 3;
    puts("well");
}
`, []string{"cc", "-pthread", "-o", "bootstrap", "main.c"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			if _, err := exec.LookPath(r.build[0]); err != nil {
				t.Skip(err)
			}
			dir := codeFolder(t)
			if err := os.WriteFile(filepath.Join(dir, r.file), []byte(r.source), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), r.build[0], r.build[1:]...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("the compiler does not work here: %v: %s", err, out)
			}
			runWell(t, d, dir, []string{"/var/task/bootstrap"})
		})
	}
}

func codeFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runWell runs a program that says "well" if all went so.
func runWell(t *testing.T, d sandboxtest.Starter, dir string, command []string) {
	t.Helper()
	p, err := d.Start(t.Context(), sandbox.Spec{
		ID: fmt.Sprintf("runtime-%d", os.Getpid()), Command: command, TaskDir: dir,
		Env:      []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"},
		MemoryMB: 512, TmpMB: 64, Network: sandbox.NetworkNone,
	})
	if err != nil {
		t.Fatal(err)
	}
	exit := p.Wait()
	if err := p.Release(); err != nil {
		t.Error(err)
	}
	out, err := io.ReadAll(p.Output)
	if err != nil {
		t.Error(err)
	}
	if exit != (sandbox.Exit{}) || strings.TrimSpace(string(out)) != "well" {
		t.Errorf("exit %v, out of memory %t:\n%s", exit, exit.OutOfMemory, out)
	}
}
