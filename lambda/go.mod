module github.com/berthdev/berth/lambda

go 1.26.0
