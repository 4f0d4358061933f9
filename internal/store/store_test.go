package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var bucket = []byte("things")

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests have closed it already
	return s
}

func put(key, value string) func(*Tx) error {
	return func(tx *Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		return b.Put([]byte(key), []byte(value))
	}
}

// dump is all that the store holds, in order: "a=1 b=2".
func dump(t testing.TB, s *Store) string {
	t.Helper()
	var all []string
	err := s.View(func(tx *Tx) error {
		b := tx.Bucket(bucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			all = append(all, fmt.Sprintf("%s=%s", k, v))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestWhatIsWrittenIsThereAfterwards(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	s := openStore(t, dir)
	if err := s.Update(put("a", "1")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, openStore(t, dir)); got != "a=1" {
		t.Errorf("the store holds %q", got)
	}
}

func TestWritersShareACommit(t *testing.T) {
	s := openStore(t, t.TempDir())
	const writers = 200
	before := lastCommit(t, s)
	var wg sync.WaitGroup
	entered, gate := make(chan struct{}), make(chan struct{})
	wg.Go(func() { // holds the first commit until all others wait
		_ = s.Update(func(*Tx) error {
			close(entered)
			<-gate
			return nil
		})
	})
	<-entered
	for i := range writers {
		wg.Go(func() {
			if err := s.Update(put(fmt.Sprintf("%03d", i), "x")); err != nil {
				t.Error(err)
			}
		})
	}
	for { // until the last one has joined
		s.mu.Lock()
		n := len(s.waiting)
		s.mu.Unlock()
		if n == writers {
			break
		}
	}
	close(gate)
	wg.Wait()
	if commits := lastCommit(t, s) - before; commits != 2 {
		t.Errorf("%d writers took %d commits, want 2: the one that held them up, and one for all", writers, commits)
	}
	if got := strings.Count(dump(t, s), "=x"); got != writers {
		t.Errorf("%d of %d writes are there", got, writers)
	}
}

// lastCommit is the number of the last transaction that wrote.
func lastCommit(t *testing.T, s *Store) (id int) {
	t.Helper()
	if err := s.View(func(tx *Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

// In a group, each write stands for itself.
func TestAFailedWriteTakesOnlyItselfBack(t *testing.T) {
	errNo := errors.New("no")
	fail := func(tx *Tx) error {
		return errors.Join(put("half", "written")(tx), errNo)
	}
	explode := func(tx *Tx) error {
		_ = put("half", "written")(tx)
		panic("boom")
	}
	for _, tt := range []struct {
		name  string
		group []func(*Tx) error
		want  string // the errors, in order
		holds string
	}{
		{"alone", []func(*Tx) error{fail}, "no", ""},
		{"the first", []func(*Tx) error{fail, put("a", "1"), put("b", "2")}, "no ok ok", "a=1 b=2"},
		{"the last", []func(*Tx) error{put("a", "1"), put("b", "2"), fail}, "ok ok no", "a=1 b=2"},
		{"two", []func(*Tx) error{put("a", "1"), fail, fail, put("b", "2")}, "ok no no ok", "a=1 b=2"},
		{"one that panics", []func(*Tx) error{put("a", "1"), explode, put("b", "2")}, "ok panic ok", "a=1 b=2"},
	} {
		s := openStore(t, t.TempDir())
		var group []*write
		for _, fn := range tt.group {
			group = append(group, &write{fn: fn})
		}
		s.commit(group)
		var got []string
		for _, w := range group {
			switch {
			case w.err == nil:
				got = append(got, "ok")
			case errors.Is(w.err, errNo):
				got = append(got, "no")
			case strings.Contains(w.err.Error(), "boom"):
				got = append(got, "panic")
			default:
				got = append(got, w.err.Error())
			}
		}
		if strings.Join(got, " ") != tt.want || dump(t, s) != tt.holds {
			t.Errorf("%s: %s and %q, want %s and %q", tt.name, got, dump(t, s), tt.want, tt.holds)
		}
	}
}

func TestOnlyOneProcessHasAStoreOpen(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	_, err := Open(dir)
	if inUse := (*InUseError)(nil); !errors.As(err, &inUse) || inUse.Dir != dir {
		t.Fatalf("a second Open: %v", err)
	}
	_ = s.Close()
	openStore(t, dir)
}

func TestAForeignFileIsRefusedAndLeftAlone(t *testing.T) {
	for name, content := range map[string]string{
		"text":                 strings.Repeat("this is no store\n", 2000),
		"a truncated header":   "BERTH",
		"zeros":                strings.Repeat("\x00", 1<<16),
		"a page of other data": strings.Repeat("\xED\xDA\x0C\xED", 1<<14),
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		if damaged := (*DamagedError)(nil); !errors.As(err, &damaged) || damaged.Hint() != "mv "+path+" "+path+".damaged" {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// A commit that was cut off by a power failure has not happened: the file opens
// as the commit before has left it, whichever part of the new header arrived.
func TestATornCommitHasNotHappened(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	for i := range 10 {
		if err := s.Update(put("n", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	newest := 0
	if metaID(whole[page:]) > metaID(whole) {
		newest = page
	}
	const header, size = 16, 64 // of a meta page, in bytes
	for cut := header; cut < header+size; cut += 8 {
		torn := append([]byte(nil), whole...)
		for i := cut; i < header+size; i++ {
			torn[newest+i] ^= 0xA5
		}
		tornDir := t.TempDir()
		if err := os.WriteFile(filepath.Join(tornDir, file), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := dump(t, openStore(t, tornDir)); got != "n=8" {
			t.Errorf("torn at byte %d of the header, the store holds %q, want n=8", cut, got)
		}
	}
}

// metaID is the transaction that wrote a meta page.
func metaID(page []byte) uint64 { return binary.NativeEndian.Uint64(page[16+48:]) }

// The cost of a durable write, alone and in company.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := openStore(b, b.TempDir())
			value := strings.Repeat("v", 512)
			var next sync.Mutex
			n := 0
			b.SetParallelism(writers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					next.Lock()
					n++
					key := fmt.Sprintf("%09d", n)
					next.Unlock()
					if err := s.Update(put(key, value)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
