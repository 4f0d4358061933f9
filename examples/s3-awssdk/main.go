// Command s3-awssdk lists buckets, lists a bucket's objects, and reads one, by the
// AWS SDK.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/berthdev/berth/lambda"
)

func main() {
	var shelves shelves
	lambda.Start(lambda.Func(shelves.handle), lambda.OnInit(func(ctx context.Context) error {
		// Credentials, region and endpoint are the environment's, on AWS as here.
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return fmt.Errorf("configure the SDK: %w", err)
		}
		shelves.client = s3.NewFromConfig(cfg, func(o *s3.Options) {
			// A local S3 has no domain name for each bucket.
			o.UsePathStyle = os.Getenv("AWS_ENDPOINT_URL_S3") != ""
		})
		return nil
	}))
}
