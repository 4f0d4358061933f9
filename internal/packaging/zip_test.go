//go:build unix

package packaging

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func pack(t *testing.T, dir string) ([]byte, Zip) {
	t.Helper()
	var b bytes.Buffer
	z, err := WriteZip(&b, dir)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), z
}

// TestZipDependsOnTheCodeAlone holds what makes a deployment comparable: two
// folders with the same code give the same bytes, whoever wrote them and when.
func TestZipDependsOnTheCodeAlone(t *testing.T) {
	files := map[string]string{"bootstrap*": "#!/bin/sh\n", "data/b.txt": "b", "data/a.txt": "a", "z.txt": "z"}
	first, second := source(t, files), source(t, files)
	// What must not matter: times, and bits that are not the owner's to execute.
	if err := errors.Join(
		os.Chtimes(filepath.Join(second, "z.txt"), time.Unix(1, 0), time.Unix(1, 0)),
		os.Chmod(filepath.Join(second, "data", "a.txt"), 0o444),
		os.Chmod(filepath.Join(second, "bootstrap"), 0o711),
		os.Chmod(filepath.Join(second, "data"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	one, z := pack(t, first)
	two, _ := pack(t, second)
	if !bytes.Equal(one, two) {
		t.Error("two folders with the same code give different zips")
	}
	if sum := sha256.Sum256(one); z.SHA256 != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("the hash is %s, which is not that of the zip", z.SHA256)
	}
	if z.Bytes != int64(len(one)) || z.Unzipped != 13 || z.Files != 4 || !z.Direct() {
		t.Errorf("the zip says of itself: %+v", z)
	}
	for name, change := range map[string]func(string) error{
		"a byte":      func(dir string) error { return os.WriteFile(filepath.Join(dir, "z.txt"), []byte("y"), 0o600) },
		"a name":      func(dir string) error { return os.Rename(filepath.Join(dir, "z.txt"), filepath.Join(dir, "y.txt")) },
		"who may run": func(dir string) error { return os.Chmod(filepath.Join(dir, "z.txt"), 0o700) },
	} {
		dir := source(t, files)
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if other, _ := pack(t, dir); bytes.Equal(one, other) {
			t.Errorf("a change of %s does not change the zip", name)
		}
	}
}

// TestZipOfABuildIsTheSameFromTwoFolders builds one source in two places.
func TestZipOfABuildIsTheSameFromTwoFolders(t *testing.T) {
	var zips [][]byte
	for range 2 {
		s := spec(t, module(t, mainGo))
		s.Architecture = ARM64
		packed, _ := pack(t, build(t, s).Dir)
		zips = append(zips, packed)
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("the same source in two folders gives different zips")
	}
}

func TestZipHoldsTheFilesAsLambdaNeedsThem(t *testing.T) {
	dir := source(t, map[string]string{"bootstrap*": "#!/bin/sh\n", "lib/data": "d", ".berth/build/Old/bootstrap*": "old"})
	if err := os.Symlink("lib/data", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	packed, _ := pack(t, dir)
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{
		"bootstrap": 0o755, "lib/": fs.ModeDir | 0o755, "lib/data": 0o644, "link": fs.ModeSymlink | 0o777,
	}
	for _, f := range r.File {
		if f.Mode() != want[f.Name] {
			t.Errorf("%s has the mode %v, want %v", f.Name, f.Mode(), want[f.Name])
		}
		delete(want, f.Name)
		if f.Name == "link" {
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if target, err := io.ReadAll(in); err != nil || string(target) != "lib/data" {
				t.Errorf("the link leads to %q, %v", target, err)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not in the zip: %v", want)
	}
}

func TestZipRefuses(t *testing.T) {
	t.Run("code that is too large", func(t *testing.T) {
		dir := source(t, map[string]string{"bootstrap*": "#!/bin/sh\n", "small": "s"})
		huge := filepath.Join(dir, "huge")
		if err := errors.Join(os.WriteFile(huge, nil, 0o600), os.Truncate(huge, MaxUnzipped)); err != nil {
			t.Fatal(err) // the file is sparse
		}
		var b bytes.Buffer
		_, err := WriteZip(&b, dir)
		var size *SizeError
		if !errors.As(err, &size) || size.Bytes != MaxUnzipped+11 || b.Len() > 0 {
			t.Fatalf("%v, and %d bytes were written", err, b.Len())
		}
		if want := "huge (262144000), bootstrap (10), small (1)"; strings.Join(size.Largest, ", ") != want {
			t.Errorf("the largest are %v, want %s", size.Largest, want)
		}
	})
	t.Run("a link that leads out", func(t *testing.T) {
		dir := source(t, map[string]string{"bootstrap*": "#!/bin/sh\n"})
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		if _, err := WriteZip(io.Discard, dir); err == nil || !strings.Contains(err.Error(), "link: a symbolic link in the package") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no such folder", func(t *testing.T) {
		if _, err := WriteZip(io.Discard, filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}
