package main

import (
	"github.com/aws/aws-lambda-go/lambdaurl"

	"github.com/berthdev/berth/bench/twins/http"
)

func main() { lambdaurl.Start(http.Handler()) }
