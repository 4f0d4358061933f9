// Command authorizer lets requests pass whose token carries the signature of a key:
//
//	Authorization: Bearer alice.<hex of HMAC-SHA256 of "alice">
//
// It shows the shape of an authorizer. For real users take an identity provider
// and a JWT authorizer, whose tokens end by themselves.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/lambda"
)

func main() {
	var key []byte
	lambda.Start(
		lambda.Func(func(ctx context.Context, in events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
			return authorize(ctx, key, in)
		}),
		lambda.OnInit(func(context.Context) error {
			key = []byte(os.Getenv("TOKEN_KEY"))
			if len(key) == 0 {
				return errors.New("TOKEN_KEY is empty: with it anybody could sign")
			}
			return nil
		}),
	)
}

// authorize answers in the simple form. What it puts into the context reaches the
// function, which can rely on it: a client can't write there.
func authorize(ctx context.Context, key []byte, in events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
	if len(in.IdentitySource) == 1 {
		if name, ok := verify(key, in.IdentitySource[0]); ok {
			return events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: map[string]any{"name": name}}, nil
		}
	}
	slog.InfoContext(ctx, "request refused", slog.String("route", in.RouteArn)) // never the token
	return events.APIGatewayV2CustomAuthorizerSimpleResponse{}, nil
}

// verify returns the name in a token, if its signature is right.
func verify(key []byte, authorization string) (name string, ok bool) {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return "", false
	}
	name, signature, ok := strings.Cut(token, ".")
	if !ok || name == "" {
		return "", false
	}
	got, err := hex.DecodeString(signature)
	if err != nil || !hmac.Equal(got, sign(key, name)) {
		return "", false
	}
	return name, true
}

func sign(key []byte, name string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(name))
	return mac.Sum(nil)
}
