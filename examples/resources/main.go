// Command resources reads a file that is packaged beside its binary: the zip's
// contents are at LAMBDA_TASK_ROOT, /var/task.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/berthdev/berth/lambda"
)

func main() {
	var ports directory // filled by init, before the first event
	lambda.Start(
		lambda.Func(func(_ context.Context, code string) (Port, error) { return ports.find(code) }),
		// When the file is missing, init fails and the function serves nothing.
		lambda.OnInit(func(context.Context) (err error) {
			ports, err = read(os.DirFS(os.Getenv("LAMBDA_TASK_ROOT")), "data/ports.csv")
			return err
		}),
	)
}

// Port is a harbour.
type Port struct {
	Code    string `json:"code"` // UN/LOCODE without the space: "NLRTM"
	Name    string `json:"name"`
	Country string `json:"country"`
}

// directory has ports by code.
type directory map[string]Port

// read reads a file with a header line and a port on each other one.
func read(from fs.FS, file string) (directory, error) {
	f, err := from.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open the list of ports: %w", err)
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.FieldsPerRecord = 3
	if _, err := rows.Read(); err != nil {
		return nil, fmt.Errorf("read the header of %s: %w", file, err)
	}
	ports := directory{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return ports, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the list of ports: %w", err)
		}
		ports[row[0]] = Port{Code: row[0], Name: row[1], Country: row[2]}
	}
}

func (d directory) find(code string) (Port, error) {
	port, ok := d[strings.ToUpper(strings.ReplaceAll(code, " ", ""))]
	if !ok {
		return Port{}, &lambda.Error{Type: "UnknownPort", Message: fmt.Sprintf("no port has the code %q", code)}
	}
	return port, nil
}
