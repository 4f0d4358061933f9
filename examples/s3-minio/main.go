// Command s3-minio lists buckets, lists a bucket's objects, and reads one, by
// MinIO's client: the same function as s3-awssdk, with another library.
package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/berthdev/berth/lambda"
)

func main() {
	var shelves shelves
	lambda.Start(lambda.Func(shelves.handle), lambda.OnInit(func(context.Context) (err error) {
		region := cmp.Or(os.Getenv("AWS_REGION"), "us-east-1")
		shelves.client, err = connect(cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), "https://s3."+region+".amazonaws.com"), region)
		return err
	}))
}

// connect makes a client for an endpoint's URL. Credentials are the environment's:
// Lambda puts those of the function's role there, and new ones with each
// environment.
func connect(endpoint, region string) (*minio.Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("read the endpoint: %w", err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the endpoint %q is no URL of HTTP", endpoint)
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:  credentials.NewEnvAWS(),
		Region: region, // known, so the client need not ask for it
		Secure: u.Scheme == "https",
	})
	if err != nil {
		return nil, fmt.Errorf("make a client for %s: %w", u.Host, err)
	}
	return client, nil
}
