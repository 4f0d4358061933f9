// Package locals3 is a small S3 in memory for the examples that read from S3: it
// has one bucket with two objects, and knows nothing of signatures.
package locals3

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket is the bucket that is there.
const Bucket = "harbour"

// objects are those in Bucket.
var objects = []struct{ key, text string }{
	{"manifests/ada.txt", "10 crates of tea\n"},
	{"manifests/bob.txt", "2 anchors\n"},
}

// New is the server, filled.
func New() (http.Handler, error) {
	store := s3mem.New()
	if err := store.CreateBucket(Bucket); err != nil {
		return nil, fmt.Errorf("create bucket %s: %w", Bucket, err)
	}
	for _, o := range objects {
		meta := map[string]string{"Content-Type": "text/plain", "Last-Modified": "Mon, 23 Nov 2026 08:00:00 GMT"}
		if _, err := store.PutObject(Bucket, o.key, meta, strings.NewReader(o.text), int64(len(o.text)), nil); err != nil {
			return nil, fmt.Errorf("put object %s: %w", o.key, err)
		}
	}
	return gofakes3.New(store, gofakes3.WithLogger(gofakes3.DiscardLog())).Server(), nil
}
