package main

import (
	"github.com/berthdev/berth/bench/twins/raw"
	"github.com/berthdev/berth/lambda"
)

func main() { lambda.Start(lambda.Bytes(raw.Handle)) }
