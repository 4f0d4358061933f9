package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/berthdev/berth/bench/twins/typed"
)

func main() { lambda.Start(typed.Handle) }
