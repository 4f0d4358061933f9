package platform

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/berthdev/berth/internal/packaging"
	"github.com/berthdev/berth/internal/template"
)

// settle is how long the files must be quiet before they are built: an editor
// writes a file in several steps, and a checkout many files.
const settle = 40 * time.Millisecond

// watcher follows the files that the functions are made of, and puts what is
// built of them in place of what runs. What does not build changes nothing.
type watcher struct {
	p       *Platform
	files   *fsnotify.Watcher
	sources map[string][]string // folders, by a function's logical ID
}

// newWatcher begins to look: no change after it returns is missed.
func (p *Platform) newWatcher(ctx context.Context) (*watcher, error) {
	files, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	w := &watcher{p: p, files: files}
	if err := w.follow(ctx); err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return w, nil
}

// run reloads what has changed until ctx ends.
func (w *watcher) run(ctx context.Context) {
	observer := w.p.cfg.Observer
	var changed []string
	quiet := time.NewTimer(0)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-w.files.Errors:
			observer.Failed(fmt.Errorf("watch files: %w", err))
		case event := <-w.files.Events:
			if event.Op != fsnotify.Chmod && !ignored(event.Name) {
				changed = append(changed, event.Name)
				quiet.Reset(settle)
			}
		case <-quiet.C:
			if len(changed) == 0 {
				continue
			}
			w.reload(ctx, changed)
			changed = nil
			if err := w.follow(ctx); err != nil && ctx.Err() == nil {
				observer.Failed(err)
			}
		}
	}
}

// ignored are the files that editors keep beside those that they edit, and tests.
func ignored(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.HasSuffix(name, "_test.go")
}

// follow looks up which folders there are to watch now.
func (w *watcher) follow(ctx context.Context) error {
	dir, err := filepath.Abs(filepath.Dir(w.p.template.File))
	if err != nil {
		return fmt.Errorf("watch files: %w", err)
	}
	want := []string{dir}
	w.sources = map[string][]string{}
	for _, f := range w.p.template.Functions {
		dirs, err := packaging.Sources(ctx, w.p.packagingSpec(f))
		if err != nil {
			return err
		}
		w.sources[f.LogicalID] = dirs
		want = append(want, dirs...)
	}
	var errs []error
	for _, dir := range want {
		errs = append(errs, w.files.Add(dir))
	}
	for _, dir := range w.files.WatchList() {
		if !slices.Contains(want, dir) {
			errs = append(errs, w.files.Remove(dir))
		}
	}
	return errors.Join(errs...)
}

// reload builds what the changed files belong to.
func (w *watcher) reload(ctx context.Context, changed []string) {
	begin := time.Now()
	p := w.p
	t, err := p.reread(changed)
	if err != nil {
		p.cfg.Observer.Failed(err)
		return
	}
	for _, f := range t.Functions {
		old := p.template.Function(f.LogicalID)
		same := old != nil && reflect.DeepEqual(old.Version, f.Version) && old.CodeURI == f.CodeURI
		if same && !touches(changed, w.sources[f.LogicalID]) {
			continue
		}
		artifact, err := packaging.Build(ctx, p.packagingSpec(f))
		if err != nil {
			if ctx.Err() == nil {
				p.cfg.Observer.Failed(err) // what runs goes on serving
			}
			continue
		}
		if same && artifact.Dir == p.deployed[f.Version.Name].version.CodeDir {
			artifact.Close() // a comment was changed
			continue
		}
		p.deploy(f, artifact)
		p.cfg.Observer.Reloaded(f.Version.Name, time.Since(begin))
	}
	p.template = t
}

// reread reads the template again if it is among the changed files. Its APIs must
// stay as they are: they have been opened.
func (p *Platform) reread(changed []string) (*template.Template, error) {
	file, err := filepath.Abs(p.template.File)
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	if !slices.Contains(changed, file) {
		return p.template, nil
	}
	t, err := p.templates().Load(p.template.File)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(p.template.REST, t.REST) || !reflect.DeepEqual(p.template.HTTP, t.HTTP) || !reflect.DeepEqual(p.template.URLs, t.URLs) {
		return nil, &changedAPIs{file: p.template.File}
	}
	return t, nil
}

// changedAPIs says that a template has changed in a way that needs a new start.
type changedAPIs struct{ file string }

func (e *changedAPIs) Error() string {
	return e.file + ": its APIs have changed; what runs goes on as it was"
}

// Hint is what to do about it.
func (e *changedAPIs) Hint() string { return "stop berth up and start it again" }

// touches reports whether one of the files lies in one of the folders.
func touches(files, dirs []string) bool {
	return slices.ContainsFunc(files, func(file string) bool { return slices.Contains(dirs, filepath.Dir(file)) })
}
