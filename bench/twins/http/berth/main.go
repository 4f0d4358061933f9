package main

import (
	"github.com/berthdev/berth/bench/twins/http"
	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdahttp"
)

// aws-lambda-go's adapter always streams, so this one does, too.
func main() { lambda.Start(lambdahttp.Handler(http.Handler(), lambdahttp.WithStreaming())) }
