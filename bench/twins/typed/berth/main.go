package main

import (
	"github.com/berthdev/berth/bench/twins/typed"
	"github.com/berthdev/berth/lambda"
)

func main() { lambda.Start(lambda.Func(typed.Handle)) }
