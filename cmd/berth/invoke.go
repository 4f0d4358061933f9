package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/berthdev/berth/internal/fixture"
)

type invokeCommand struct {
	Function    string   `arg:"" optional:"" help:"The function's name or ARN, with a qualifier if you like."`
	TenantID    *string  `placeholder:"ID" help:"The tenant on whose behalf to invoke."`
	Payload     string   `xor:"payload" placeholder:"JSON" help:"The event. Without one it is {}."`
	PayloadFile string   `xor:"payload" placeholder:"FILE" help:"The file that holds the event; - for standard input."`
	Event       string   `xor:"payload" placeholder:"KIND" help:"An event as AWS sends it: apigw-rest, apigw-http, url, alb, s3, sqs, …"`
	Set         []string `sep:"none" placeholder:"PATH=VALUE" help:"Another value in the event: 'Records[0].body=text'; may be given again."`
	Print       bool     `help:"Print the event and invoke nothing."`
	Log         bool     `help:"Print the end of the invocation's log, to standard error."`
	Service     string   `default:"127.0.0.1:4566" placeholder:"ADDR" help:"Where berth up serves Lambda's API (default: ${default})."`
}

func (*invokeCommand) Help() string {
	return `Prints the function's answer. The exit status is 3 if that is a function error.

Examples:
  berth invoke Counter --tenant-id alice
  berth invoke Counter --tenant-id alice --payload '{"name":"Ada"}' --log
  berth invoke Counter --tenant-id alice --payload-file event.json
  berth invoke Orders --event sqs --set 'Records[0].body={"order":8}'
  berth invoke --event apigw-rest --set httpMethod=POST --print >event.json

The kinds of events:
` + kinds()
}

// kinds lists the events that --event knows.
func kinds() string {
	var b strings.Builder
	for _, k := range fixture.Kinds() {
		fmt.Fprintf(&b, "  %-18s  from %s\n", k.Name, k.From)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// functionError is an answer that says that the function failed.
type functionError struct{ kind string }

func (e *functionError) Error() string { return "the function answered with an error: " + e.kind }

func (c *invokeCommand) Run(ctx context.Context, t terminal) error {
	payload, err := c.event(t.in)
	if err != nil {
		return err
	}
	if c.Print {
		_, err := t.out.Write(append(bytes.TrimSuffix(payload, []byte("\n")), '\n'))
		return err
	}
	if c.Function == "" {
		return &problem{errors.New("no function is named"), "berth invoke NAME; berth tenants shows the names of those that run"}
	}
	target := (&url.URL{Scheme: "http", Host: c.Service,
		Path: "/2015-03-31/functions/" + c.Function + "/invocations"}).String()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(payload))
	if err != nil {
		return fmt.Errorf("invoke %s: %w", c.Function, err)
	}
	if c.TenantID != nil {
		request.Header.Set("X-Amz-Tenant-Id", *c.TenantID)
	}
	if c.Log {
		request.Header.Set("X-Amz-Log-Type", "Tail")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return unreachable(c.Service, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("invoke %s: %w", c.Function, err)
	}
	if response.StatusCode != http.StatusOK {
		return refusal(response, body)
	}
	if c.Log {
		log, err := base64.StdEncoding.DecodeString(response.Header.Get("X-Amz-Log-Result"))
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", c.Function, err)
		}
		_, _ = t.err.Write(log)
	}
	fmt.Fprintf(t.out, "%s\n", bytes.TrimSuffix(body, []byte("\n")))
	if kind := response.Header.Get("X-Amz-Function-Error"); kind != "" {
		return &functionError{kind}
	}
	return nil
}

// event is the payload that the flags ask for.
func (c *invokeCommand) event(in io.Reader) ([]byte, error) {
	var event []byte
	var err error
	switch {
	case c.Event != "":
		if event, err = fixture.Find(c.Event); err != nil {
			return nil, err
		}
	case c.PayloadFile == "-":
		event, err = io.ReadAll(in)
	case c.PayloadFile != "":
		event, err = os.ReadFile(c.PayloadFile)
	default:
		event = []byte(c.Payload)
		if len(c.Set) > 0 && c.Payload == "" {
			event = []byte("{}")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	for _, change := range c.Set {
		path, value, ok := strings.Cut(change, "=")
		if !ok {
			return nil, &problem{fmt.Errorf("--set %s: it has no =", change), "--set 'Records[0].body=text'"}
		}
		if event, err = fixture.Set(event, path, value); err != nil {
			return nil, fmt.Errorf("--set %w", err)
		}
	}
	return event, nil
}

// refusal is the error in an answer of Lambda's API.
func refusal(response *http.Response, body []byte) error {
	var said struct{ Message string } // matches "message", too
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		said.Message = fmt.Sprintf("%s: %.200s", response.Status, body)
	}
	if kind := response.Header.Get("X-Amzn-Errortype"); kind != "" {
		return fmt.Errorf("%s: %s", kind, said.Message)
	}
	return errors.New(said.Message)
}

// unreachable is the error of a request that found no Berth.
func unreachable(address string, err error) error {
	return &problem{
		err:  fmt.Errorf("no Berth answers at %s: %w", address, err),
		hint: "berth up, in another terminal; or --service with the address that it prints",
	}
}
