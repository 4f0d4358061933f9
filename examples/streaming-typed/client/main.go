// Command client calls a function that streams, and prints the response as it
// comes. The AWS CLI can't; the SDKs can.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func main() {
	function := flag.String("function", "Table", "name or ARN of the function")
	payload := flag.String("payload", `{"rows": 10, "metres": 2}`, "the event")
	endpoint := flag.String("endpoint", "", "where Lambda's API is, if it is not AWS's: http://127.0.0.1:4566")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *endpoint, *function, *payload, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint, function, payload string, w io.Writer) error {
	var options []func(*config.LoadOptions) error
	if endpoint != "" { // Berth on this machine, which asks nobody who he is
		options = append(options, config.WithBaseEndpoint(endpoint), config.WithRegion("us-east-1"),
			config.WithCredentialsProvider(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
			})))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return fmt.Errorf("configure the SDK: %w", err)
	}
	return stream(ctx, lambda.NewFromConfig(cfg), function, payload, w)
}

// stream invokes a function and writes each part of its response when it comes.
// An error of the function's, at its start or midway, is the last thing that it
// hears.
func stream(ctx context.Context, client *lambda.Client, function, payload string, w io.Writer) error {
	out, err := client.InvokeWithResponseStream(ctx, &lambda.InvokeWithResponseStreamInput{
		FunctionName: &function,
		Payload:      []byte(payload),
	})
	if err != nil {
		return fmt.Errorf("invoke %s: %w", function, err)
	}
	events := out.GetStream()
	defer events.Close()
	for event := range events.Events() {
		switch e := event.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			if _, err := w.Write(e.Value.Payload); err != nil {
				return fmt.Errorf("write the response: %w", err)
			}
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			if code := aws.ToString(e.Value.ErrorCode); code != "" {
				return fmt.Errorf("%s failed: %s: %s", function, code, aws.ToString(e.Value.ErrorDetails))
			}
		}
	}
	if err := events.Err(); err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	return nil
}
