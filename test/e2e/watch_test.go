package e2e

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
)

var edits = flag.Int("edits", 5, "how many edits TestWatch makes")

const watched = `package main

import (
	"context"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Bytes(func(context.Context, []byte) ([]byte, error) { return []byte("\"EDITION\""), nil }))
}
`

// An edit is live without a dropped request; what does not compile changes
// nothing.
func TestWatch(t *testing.T) {
	// Inside the repository, so that the workspace's library is what it imports.
	dir, err := os.MkdirTemp("testdata", "watched-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	edition := func(s string) string { return strings.Replace(watched, "EDITION", s, 1) }
	write("main.go", edition("edition 0"))
	write("template.yaml", `Transform: AWS::Serverless-2016-10-31
Resources:
  Watched:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: Watched
      CodeUri: .
      Handler: bootstrap
      Runtime: provided.al2023
`)
	b := up(t, dir, "--watch")
	ask := func() string {
		out, err := client(b).Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("Watched")})
		if err != nil {
			t.Fatal(err)
		}
		return string(out.Payload)
	}
	if got := ask(); got != `"edition 0"` {
		t.Fatalf("before any edit: %s", got)
	}

	// Load, without a pause.
	done := make(chan struct{})
	var wg sync.WaitGroup
	var failed []string
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			r, err := http.Post(b.service+"/2015-03-31/functions/Watched/invocations", "application/json", strings.NewReader("{}"))
			if err != nil {
				failed = append(failed, err.Error())
				return
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil || r.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), `"edition `) {
				failed = append(failed, fmt.Sprintf("%d %s %v", r.StatusCode, body, err))
			}
		}
	})
	var took []time.Duration
	for i := range *edits {
		begin := time.Now()
		write("main.go", edition(fmt.Sprint("edition ", i+1)))
		b.waitFor("reloaded", i+1)
		took = append(took, time.Since(begin))
		if got, want := ask(), fmt.Sprintf(`"edition %d"`, i+1); got != want {
			t.Errorf("after edit %d: %s, want %s", i+1, got, want)
		}
	}
	write("main.go", "package main\n\nfunc main() { nothing() }\n")
	if l := b.waitFor("failed", 1); !strings.Contains(l.Text, "undefined: nothing") {
		t.Errorf("what does not compile: %q", l.Text)
	}
	if got, want := ask(), fmt.Sprintf(`"edition %d"`, *edits); got != want {
		t.Errorf("after an edit that does not compile: %s, want %s", got, want)
	}
	write("main.go", edition("edition mended"))
	b.waitFor("reloaded", *edits+1)
	if got := ask(); got != `"edition mended"` {
		t.Errorf("mended: %s", got)
	}
	close(done)
	wg.Wait()
	if len(failed) > 0 {
		t.Errorf("%d requests failed, the first: %s", len(failed), failed[0])
	}
	slices.Sort(took)
	t.Logf("%d edits: median %s, longest %s from the write to the first answer of the new edition", len(took), took[len(took)/2], took[len(took)-1])
}
