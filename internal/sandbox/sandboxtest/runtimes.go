package sandboxtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/sandbox"
)

// runtimes are programs of the usual languages that do what runtimes do: threads,
// timers, files in /tmp, names, random numbers, a child, a socket. What needs
// /dev/shm, such as Python's multiprocessing.Pool, works here as little as on
// Lambda, where there is none either.
var runtimes = []struct {
	name, file, source string
	build              []string // nil where nothing is compiled
	command            []string
}{
	{"Python", "main.py", `
import concurrent.futures, ctypes, getpass, os, random, socket, ssl, subprocess, tempfile, time
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert sum(pool.map(lambda n: n*n, range(100))) == 328350
with tempfile.NamedTemporaryFile() as f:
    f.write(b"x" * 100000)
assert subprocess.run(["/bin/sh", "-c", "echo child"], capture_output=True).stdout == b"child\n"
getpass.getuser()
socket.create_connection(os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")).close()
ssl.create_default_context(); os.urandom(8); time.sleep(0.001)
print("well")
`, nil, []string{"/usr/bin/python3", "main.py"}},
	{"Node", "main.js", `
const fs = require("fs"), os = require("os"), net = require("net"), { execFileSync } = require("child_process");
const { Worker } = require("worker_threads");
fs.writeFileSync(os.tmpdir() + "/x", "x".repeat(100000));
os.cpus(); os.networkInterfaces(); os.totalmem();
if (execFileSync("/bin/sh", ["-c", "echo child"]).toString() !== "child\n") throw "child";
os.userInfo();
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const s = net.connect(+port, host, () => { s.destroy();
  new Worker("require('crypto').randomBytes(8)", { eval: true }).on("exit", () => console.log("well"));
});
`, nil, []string{"/usr/bin/node", "main.js"}},
	{"Java", "Main.java", `
import java.net.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*;
public class Main { public static void main(String[] a) throws Exception {
  try (var pool = new Closer(Executors.newFixedThreadPool(8))) {
    pool.p.submit(() -> 1).get();
  }
  Files.writeString(Path.of(System.getenv().getOrDefault("TMPDIR", "/tmp"), "x"), "x".repeat(100000));
  var out = new ProcessBuilder("/bin/sh", "-c", "echo child").start().getInputStream().readAllBytes();
  if (!new String(out).equals("child\n")) throw new Exception("child");
  var api = System.getenv("AWS_LAMBDA_RUNTIME_API").split(":");
  new Socket(api[0], Integer.parseInt(api[1])).close();
  new java.security.SecureRandom().nextLong();
  System.out.println("well");
} record Closer(ExecutorService p) implements AutoCloseable { public void close() { p.shutdown(); } } }
`, nil, []string{"/usr/bin/java", "-Xmx128m", "Main.java"}},
	{"Rust", "main.rs", `
use std::{env, fs, io::Write, net::TcpStream, process::Command, thread, time::Duration};
fn main() {
    let all: Vec<_> = (0..8).map(|n| thread::spawn(move || n * n)).collect();
    let sum: i32 = all.into_iter().map(|t| t.join().unwrap()).sum();
    assert_eq!(sum, 140);
    fs::File::create(env::temp_dir().join("x")).unwrap().write_all(&[0; 100000]).unwrap();
    assert_eq!(Command::new("/bin/sh").args(["-c", "echo child"]).output().unwrap().stdout, b"child\n");
    TcpStream::connect(env::var("AWS_LAMBDA_RUNTIME_API").unwrap()).unwrap();
    thread::sleep(Duration::from_millis(1));
    println!("well");
}
`, []string{"rustc", "-o", "bootstrap", "main.rs"}, []string{"/var/task/bootstrap"}},
	{"C", "main.c", `
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *run(void *arg) { sem_post(arg); return NULL; }
int main(void) {
    sem_t sem; pthread_t t; sem_init(&sem, 0, 0);
    if (pthread_create(&t, NULL, run, &sem) || sem_wait(&sem) || pthread_join(t, NULL)) return 1;
    if (!getpwuid(getuid())) return 2;
    char path[4096];
    snprintf(path, sizeof path, "%s/x", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    FILE *f = fopen(path, "w");
    if (!f || fprintf(f, "x") != 1 || fclose(f)) return 3;
    puts("well");
}
`, []string{"cc", "-pthread", "-o", "bootstrap", "main.c"}, []string{"/var/task/bootstrap"}},
}

// Runtimes shows that programs of the usual languages live behind the driver's
// walls. Those whose language is not on this machine are skipped.
func Runtimes(t *testing.T, newDriver func(t *testing.T) Starter) {
	for _, r := range runtimes {
		t.Run(r.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, r.file), []byte(r.source), 0o644); err != nil {
				t.Fatal(err)
			}
			if r.build != nil {
				cmd := exec.CommandContext(t.Context(), r.build[0], r.build[1:]...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Skipf("no compiler works here: %v: %s", err, out)
				}
			} else if _, err := os.Stat(r.command[0]); err != nil {
				t.Skip(err)
			}
			runWell(t, newDriver(t), dir, r.command)
		})
	}
}

// runWell runs a program that says "well" if all went so.
func runWell(t *testing.T, d Starter, dir string, command []string) {
	t.Helper()
	p, err := d.Start(t.Context(), sandbox.Spec{
		ID: fmt.Sprintf("runtime-%d", os.Getpid()), Command: command, TaskDir: dir,
		Env:      []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"},
		MemoryMB: 512, TmpMB: 64, Network: sandbox.NetworkNone,
	})
	if err != nil {
		t.Fatal(err)
	}
	out, exit := finish(t, p)
	if exit != (sandbox.Exit{}) || strings.TrimSpace(out) != "well" {
		t.Errorf("exit %v, out of memory %t:\n%s", exit, exit.OutOfMemory, out)
	}
}
