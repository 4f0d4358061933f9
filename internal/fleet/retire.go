package fleet

import "github.com/berthdev/berth/internal/function"

// Retire ends the environments of v, which has been replaced: idle ones and
// spares now, the others when they have served. An invocation that still comes
// for v is served as before.
func (f *Fleet) Retire(v *function.Version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retired[v] = struct{}{}
	for m := range f.all {
		if m.key.Version == v && (m.phase == resting || m.phase == spare || m.phase == preparing) {
			f.dismiss(m)
		}
	}
	delete(f.spares.sets, v)
}
