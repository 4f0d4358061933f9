package main

import (
	"context"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"

	"github.com/berthdev/berth/lambda"
)

// Request is the event. Without a bucket it asks for the buckets, without a key
// for the bucket's objects, and with both for the object's text.
type Request struct {
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key,omitempty"`
}

// Response has what was asked for.
type Response struct {
	Buckets []string `json:"buckets,omitempty"`
	Objects []Object `json:"objects,omitempty"`
	Text    string   `json:"text,omitempty"`
}

// Object is one object of a bucket.
type Object struct {
	Key  string `json:"key"`
	Size int64  `json:"size"` // bytes
}

// What one answer holds at most.
const (
	maxObjects = 1000
	maxText    = 64 << 10 // bytes
)

// shelves is what the function sees of S3.
type shelves struct{ client *minio.Client }

func (s *shelves) handle(ctx context.Context, in Request) (Response, error) {
	var out Response
	var err error
	switch {
	case in.Bucket == "" && in.Key != "":
		return Response{}, &lambda.Error{Type: "BucketMissing", Message: "a key needs a bucket"}
	case in.Bucket == "":
		out.Buckets, err = s.buckets(ctx)
	case in.Key == "":
		out.Objects, err = s.objects(ctx, in.Bucket)
	default:
		out.Text, err = s.text(ctx, in.Bucket, in.Key)
	}
	return out, err
}

func (s *shelves) buckets(ctx context.Context) ([]string, error) {
	buckets, err := s.client.ListBuckets(ctx)
	if err != nil {
		return nil, fmt.Errorf("list buckets: %w", err)
	}
	var names []string
	for _, b := range buckets {
		names = append(names, b.Name)
	}
	return names, nil
}

func (s *shelves) objects(ctx context.Context, bucket string) ([]Object, error) {
	// The client lists in a goroutine of its own, which ends with this context.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all []Object
	for o := range s.client.ListObjectsIter(ctx, bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			return nil, missing(o.Err, "list bucket "+bucket)
		}
		if all = append(all, Object{Key: o.Key, Size: o.Size}); len(all) == maxObjects {
			break
		}
	}
	return all, nil
}

func (s *shelves) text(ctx context.Context, bucket, key string) (string, error) {
	object, err := s.client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return "", missing(err, "get "+key)
	}
	defer object.Close()
	// The request goes out with the first read: so does its error.
	text, err := io.ReadAll(io.LimitReader(object, maxText+1))
	if err != nil {
		return "", missing(err, "read "+key)
	}
	if len(text) > maxText {
		return "", &lambda.Error{Type: "TooLarge", Message: fmt.Sprintf("%s has more than %d bytes", key, maxText)}
	}
	return string(text), nil
}

// missing gives errors about what isn't there a type for callers: the service's
// own code for it.
func missing(err error, tried string) error {
	switch code := minio.ToErrorResponse(err).Code; code {
	case minio.NoSuchBucket, minio.NoSuchKey:
		return &lambda.Error{Type: code, Message: tried + ": " + err.Error()}
	}
	return fmt.Errorf("%s: %w", tried, err)
}
