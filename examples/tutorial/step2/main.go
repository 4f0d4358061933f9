// Command step2 is a ship's log behind a REST API. It keeps the log in memory, and
// that shows what an execution environment is: whoever calls next reads it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/lambda"
)

func main() {
	var l logbook
	lambda.Start(lambda.Func(l.handle))
}

// logbook lives as long as its execution environment. An environment serves one
// request at a time, so it needs no lock.
type logbook struct{ lines []string }

func (l *logbook) handle(_ context.Context, in events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	if in.HTTPMethod == http.MethodPost {
		text := strings.TrimSpace(in.Body)
		if text == "" {
			return answer(http.StatusBadRequest, map[string]string{"message": "text is empty"})
		}
		l.lines = append(l.lines, text)
	}
	return answer(http.StatusOK, map[string][]string{"log": append([]string{}, l.lines...)})
}

func answer(status int, body any) (events.APIGatewayProxyResponse, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return events.APIGatewayProxyResponse{}, fmt.Errorf("write the answer: %w", err)
	}
	return events.APIGatewayProxyResponse{
		StatusCode: status,
		Headers:    map[string]string{"Content-Type": "application/json"},
		Body:       string(text),
	}, nil
}
