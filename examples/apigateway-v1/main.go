// Command apigateway-v1 converts speeds at sea to those on land, behind a REST
// API of API Gateway: path, query and body of a request, and every way to answer.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(handle))
}

// Speed is an amount of a unit.
type Speed struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"` // "kn", "km/h" or "m/s"
}

// kmh is what one of a unit is in kilometres per hour. A knot is a nautical mile,
// 1,852 m, in an hour.
var kmh = map[string]float64{"kn": 1.852, "km/h": 1, "m/s": 3.6}

func convert(from Speed, unit string) (Speed, error) {
	have, ok := kmh[from.Unit]
	want, okUnit := kmh[unit]
	if !ok || !okUnit {
		return Speed{}, fmt.Errorf("can't convert %q to %q", from.Unit, unit)
	}
	return Speed{Value: from.Value * have / want, Unit: unit}, nil
}

// handle answers one request. What it returns as an error would be a 502 to the
// client, so a client's mistake is an answer.
func handle(_ context.Context, in events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	switch in.HTTPMethod + " " + in.Resource {
	case "GET /speeds/{value}":
		return one(in)
	case "POST /speeds":
		return many(in)
	}
	return answer(http.StatusNotFound, problem("there is no "+in.HTTPMethod+" "+in.Path))
}

// one converts the speed in the path, from and to the units in the query.
func one(in events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	value, err := strconv.ParseFloat(in.PathParameters["value"], 64)
	if err != nil {
		return answer(http.StatusBadRequest, problem(strconv.Quote(in.PathParameters["value"])+" is not a number"))
	}
	from, to := "kn", "km/h"
	if q := in.QueryStringParameters["from"]; q != "" {
		from = q
	}
	if q := in.QueryStringParameters["to"]; q != "" {
		to = q
	}
	speed, err := convert(Speed{value, from}, to)
	if err != nil {
		return answer(http.StatusBadRequest, problem(err.Error()))
	}
	return answer(http.StatusOK, speed)
}

// many converts the speeds in the body to each unit that the query repeats.
func many(in events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	var speeds []Speed
	if err := json.Unmarshal([]byte(in.Body), &speeds); err != nil {
		return answer(http.StatusBadRequest, problem("the body is no list of speeds"))
	}
	converted := []Speed{}
	for _, from := range speeds {
		for _, unit := range in.MultiValueQueryStringParameters["to"] {
			speed, err := convert(from, unit)
			if err != nil {
				return answer(http.StatusBadRequest, problem(err.Error()))
			}
			converted = append(converted, speed)
		}
	}
	return answer(http.StatusOK, converted)
}

func problem(message string) map[string]string { return map[string]string{"message": message} }

func answer(status int, body any) (events.APIGatewayProxyResponse, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return events.APIGatewayProxyResponse{}, fmt.Errorf("write the answer: %w", err)
	}
	return events.APIGatewayProxyResponse{
		StatusCode: status,
		Headers:    map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"},
		Body:       string(text),
	}, nil
}
