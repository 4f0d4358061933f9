package eventsource

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/sqs"
)

// records is the event of a batch.
type records struct{ Records []record }

// record is one message of a batch, with its fields in Lambda's order.
// Source: AWS Lambda developer guide, with-sqs.
type record struct {
	MessageID         string               `json:"messageId"`
	ReceiptHandle     string               `json:"receiptHandle"`
	Body              string               `json:"body"`
	Attributes        map[string]string    `json:"attributes"`
	MessageAttributes map[string]attribute `json:"messageAttributes"`
	AttributesMD5     string               `json:"md5OfMessageAttributes,omitempty"`
	BodyMD5           string               `json:"md5OfBody"`
	EventSource       string               `json:"eventSource"`
	EventSourceARN    string               `json:"eventSourceARN"`
	Region            string               `json:"awsRegion"`
}

type attribute struct {
	StringValue      string   `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// event is a batch as the function gets it.
func event(batch []sqs.Received, arn, region, account string) []byte {
	all := records{Records: []record{}}
	for _, m := range batch {
		all.Records = append(all.Records, record{
			MessageID:         m.ID,
			ReceiptHandle:     m.Handle,
			Body:              m.Body,
			Attributes:        m.SystemAttributes(account),
			MessageAttributes: attributes(m.Attributes),
			AttributesMD5:     sqs.AttributesMD5(m.Attributes),
			BodyMD5:           sqs.BodyMD5(m.Body),
			EventSource:       "aws:sqs",
			EventSourceARN:    arn,
			Region:            region,
		})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(all); err != nil { // strings only: it can't fail
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func attributes(in []queue.Attribute) map[string]attribute {
	out := map[string]attribute{}
	for _, a := range in {
		v := attribute{StringListValues: []string{}, BinaryListValues: [][]byte{}, DataType: a.Type}
		if strings.HasPrefix(a.Type, "Binary") {
			v.BinaryValue = a.Binary
		} else {
			v.StringValue = a.Text
		}
		out[a.Name] = v
	}
	return out
}

// succeeded is the part of a batch that the function's answer doesn't report as
// failed. An answer that can't be understood fails the whole batch: nothing is
// deleted that the function may not have done.
// Source: AWS Lambda developer guide, services-sqs-errorhandling.
func succeeded(batch []sqs.Received, answer []byte) []sqs.Received {
	var report struct {
		Failures []struct {
			ID *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if text := bytes.TrimSpace(answer); len(text) == 0 || text[0] != '{' {
		if len(text) == 0 || string(text) == "null" {
			return batch
		}
		return nil
	}
	if json.Unmarshal(answer, &report) != nil {
		return nil
	}
	failed := map[string]bool{}
	for _, f := range report.Failures {
		if f.ID == nil {
			return nil
		}
		failed[*f.ID] = true
	}
	var done []sqs.Received
	for _, m := range batch {
		if failed[m.ID] {
			delete(failed, m.ID)
			continue
		}
		done = append(done, m)
	}
	if len(failed) > 0 { // it reports what it was not given
		return nil
	}
	return done
}
