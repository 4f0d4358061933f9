module github.com/berthdev/berth/examples

go 1.26.0

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/berthdev/berth/lambda v0.0.0
	github.com/go-chi/chi/v5 v5.5.0
)

replace github.com/berthdev/berth/lambda => ../lambda
