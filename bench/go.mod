module github.com/berthdev/berth/bench

go 1.26.0

require github.com/berthdev/berth/lambda v0.0.0

require (
	github.com/aws/aws-lambda-go v1.55.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/berthdev/berth/lambda => ../lambda
