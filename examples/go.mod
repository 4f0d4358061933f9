module github.com/berthdev/berth/examples

go 1.26.0

require github.com/berthdev/berth/lambda v0.0.0

replace github.com/berthdev/berth/lambda => ../lambda
