package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// childDir names the variable by which the test's own program becomes the
// process that is killed.
const childDir = "BERTH_STORE_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		writeUntilKilled(dir)
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes keys of its own with several writers, and prints each
// one when Update has returned.
func writeUntilKilled(dir string) {
	s, err := Open(dir)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var print sync.Mutex
	var wg sync.WaitGroup
	for writer := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", os.Getpid(), writer, i)
				if err := s.Update(put(key, strings.Repeat("v", i%3000))); err != nil {
					return
				}
				print.Lock()
				fmt.Println(key)
				print.Unlock()
			}
		})
	}
	wg.Wait()
}

// Whatever a process has been told is written is there after it was killed, in
// the middle of a commit or not.
func TestNothingIsLostByKill(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var promised []string
	for round := range 10 {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for n := 0; lines.Scan(); n++ {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Fatal(lines.Text())
			}
			promised = append(promised, lines.Text())
			if n == 20+7*round {
				_ = cmd.Process.Kill() // what it has printed meanwhile is read on
			}
		}
		_ = cmd.Wait() // "signal: killed"

		s := openStore(t, dir)
		err = s.View(func(tx *Tx) error {
			for _, key := range promised {
				if tx.Bucket(bucket).Get([]byte(key)) == nil {
					t.Errorf("round %d: %s is lost", round, key)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d writes over 10 kills", len(promised))
}
