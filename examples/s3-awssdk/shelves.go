package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

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
type shelves struct{ client *s3.Client }

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
	out, err := s.client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return nil, fmt.Errorf("list buckets: %w", err)
	}
	var names []string
	for _, b := range out.Buckets {
		names = append(names, aws.ToString(b.Name))
	}
	return names, nil
}

func (s *shelves) objects(ctx context.Context, bucket string) ([]Object, error) {
	var all []Object
	for pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &bucket}); pages.HasMorePages() && len(all) < maxObjects; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, missing(fmt.Errorf("list bucket %s: %w", bucket, err))
		}
		for _, o := range page.Contents {
			all = append(all, Object{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size)})
		}
	}
	return all[:min(len(all), maxObjects)], nil
}

func (s *shelves) text(ctx context.Context, bucket, key string) (string, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", missing(fmt.Errorf("get %s from %s: %w", key, bucket, err))
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, maxText+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	if len(text) > maxText {
		return "", &lambda.Error{Type: "TooLarge", Message: fmt.Sprintf("%s has more than %d bytes", key, maxText)}
	}
	return string(text), nil
}

// missing gives errors about what isn't there a type for callers: the SDK's error
// has the service's code for it.
func missing(err error) error {
	if e, ok := errors.AsType[smithy.APIError](err); ok && (e.ErrorCode() == "NoSuchBucket" || e.ErrorCode() == "NoSuchKey") {
		return &lambda.Error{Type: e.ErrorCode(), Message: e.ErrorMessage()}
	}
	return err
}
