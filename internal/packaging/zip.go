package packaging

import (
	"archive/zip"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Zip is what was packaged.
type Zip struct {
	Bytes    int64  // of the zip
	Unzipped int64  // of the files in it
	SHA256   string // base64, as Lambda shows it: CodeSha256
	Files    int
}

// Direct reports whether Lambda takes the zip as it is, without a way through S3.
func (z Zip) Direct() bool { return z.Bytes <= MaxZip }

// zipTime stands on every file of a zip: the first moment that the format knows.
// When a file was written says nothing of what the function does.
var zipTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Outputs is the folder, below a template, that berth writes to. It is never part
// of a function's code.
const Outputs = ".berth"

// WriteZip packages a folder for Lambda. The bytes depend on the paths, the bytes
// and the executable bits of its files and on nothing else: not on times, owners,
// the umask or the folder's own name. The compressor is that of the Go release
// that Berth was built with.
//
// Nothing is written when the code is too large: the error is a *SizeError then.
func WriteZip(w io.Writer, dir string) (Zip, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Zip{}, fmt.Errorf("zip %s: %w", dir, err)
	}
	defer root.Close()
	entries, err := codeFiles(root)
	if err != nil {
		return Zip{}, fmt.Errorf("zip %s: %w", dir, err)
	}
	var z Zip
	for _, e := range entries {
		z.Unzipped += e.size
		if !e.mode.IsDir() {
			z.Files++
		}
	}
	if z.Unzipped > MaxUnzipped {
		return Zip{}, &SizeError{Bytes: z.Unzipped, Largest: largest(entries, 3)}
	}
	hash := sha256.New()
	counted := &counter{w: io.MultiWriter(w, hash)}
	archive := zip.NewWriter(counted)
	for _, e := range entries {
		if err := addEntry(archive, root, e); err != nil {
			return Zip{}, fmt.Errorf("zip %s: %w", e.path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return Zip{}, fmt.Errorf("zip %s: %w", dir, err)
	}
	z.Bytes = counted.n
	z.SHA256 = base64.StdEncoding.EncodeToString(hash.Sum(nil))
	return z, nil
}

// entry is one file, folder or symbolic link.
type entry struct {
	path string // with slashes, relative to the code's folder
	mode fs.FileMode
	size int64 // of a file
}

// codeFiles lists what is in a folder, sorted, with modes that are the same for
// everybody: 0755 for what is executable and 0644 for the rest.
func codeFiles(root *os.Root) ([]entry, error) {
	var all []entry
	err := fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".":
			return nil
		case path == Outputs && d.IsDir():
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{path: path, mode: 0o644}
		switch mode := info.Mode(); {
		case mode.IsDir():
			e.mode = fs.ModeDir | 0o755
		case mode&fs.ModeSymlink != 0:
			if _, err := root.Stat(path); err != nil {
				return fmt.Errorf("%s: a symbolic link in the package: %w", path, err)
			}
			e.mode = fs.ModeSymlink | 0o777
		case !mode.IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", path)
		default:
			e.size = info.Size()
			if mode.Perm()&0o100 != 0 {
				e.mode = 0o755
			}
		}
		all = append(all, e)
		return nil
	})
	return all, err
}

func addEntry(archive *zip.Writer, root *os.Root, e entry) error {
	header := &zip.FileHeader{Name: e.path, Method: zip.Deflate, Modified: zipTime}
	header.SetMode(e.mode)
	if e.mode.IsDir() {
		header.Name += "/"
		header.Method = zip.Store
	}
	out, err := archive.CreateHeader(header)
	if err != nil || e.mode.IsDir() {
		return err
	}
	if e.mode&fs.ModeSymlink != 0 {
		target, err := root.Readlink(e.path)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, filepath.ToSlash(target))
		return err
	}
	in, err := root.Open(e.path)
	if err != nil {
		return err
	}
	defer in.Close()
	n, err := io.Copy(out, in)
	if err == nil && n != e.size {
		err = errors.New("the file has changed while it was packaged")
	}
	return err
}

// largest names the n largest files.
func largest(entries []entry, n int) []string {
	sorted := slices.SortedStableFunc(slices.Values(entries), func(a, b entry) int { return cmp.Compare(b.size, a.size) })
	var names []string
	for _, e := range sorted[:min(n, len(sorted))] {
		if e.size > 0 {
			names = append(names, fmt.Sprintf("%s (%d)", e.path, e.size))
		}
	}
	return names
}

// counter counts the bytes that go through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
