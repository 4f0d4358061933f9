package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/examples/multitenant/tenantdata"
)

// ask is one request through API Gateway.
func ask(t *testing.T, address string) (status int, environment, body string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, response.Header.Get("X-Environment"), string(text)
}

func TestInBerth(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs Berth")
	}
	berth := berthtest.Up(t, ".")
	prod := berth.Gateways[0] + "/Prod"
	tenant := func(id string) string { return prod + "/orders?tenant-id=" + url.QueryEscape(id) }

	t.Run("the commands of the README", func(t *testing.T) {
		if _, err := exec.LookPath("curl"); err != nil {
			t.Skip(err)
		}
		for _, command := range berthtest.Commands(t, "Run it here", "curl") {
			run, want, ok := strings.Cut(command, "# ")
			if !ok {
				t.Fatalf("%s: no comment says what comes", command)
			}
			run = strings.ReplaceAll(run, "http://127.0.0.1:3000/Prod", prod)
			out, err := exec.Command("sh", "-c", run).CombinedOutput()
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%s\n%s%v, want %s", command, out, err, want)
			}
		}
	})

	t.Run("tenants have environments of their own", func(t *testing.T) {
		owner := map[string]string{}
		for _, id := range []string{"carol", "dave", "carol", "erin", "carol", "o'neil & co/7"} {
			status, environment, body := ask(t, tenant(id))
			if id == "o'neil & co/7" { // ' and & are not in a tenant ID
				if status != http.StatusBadRequest {
					t.Errorf("tenant %q: %d %s", id, status, body)
				}
				continue
			}
			if status != http.StatusOK || environment == "" {
				t.Fatalf("tenant %q: %d %s", id, status, body)
			}
			if other, seen := owner[environment]; seen && other != id {
				t.Errorf("the environment %s of %s served %s", environment, other, id)
			}
			owner[environment] = id
		}
	})

	t.Run("counts of many tenants add up", func(t *testing.T) {
		const tenants, requests = 4, 10
		var mu sync.Mutex
		owner := map[string]string{}   // of environments
		highest := map[string]int{}    // count by environment
		answered := map[string]int{}   // by tenant
		counted := map[string][]bool{} // by environment: which counts were seen
		var wg sync.WaitGroup
		for i := range tenants {
			id := fmt.Sprint("tenant-", i)
			for range requests {
				wg.Go(func() {
					status, environment, body := ask(t, tenant(id))
					var data tenantdata.TenantData
					if err := json.Unmarshal([]byte(body), &data); status != http.StatusOK || err != nil {
						t.Errorf("%s: %d %s", id, status, body)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if other, seen := owner[environment]; seen && other != id {
						t.Errorf("the environment %s of %s served %s", environment, other, id)
					}
					owner[environment] = id
					answered[id]++
					highest[environment] = max(highest[environment], data.RequestCount)
					for len(counted[environment]) <= data.RequestCount {
						counted[environment] = append(counted[environment], false)
					}
					if data.TenantID != id || counted[environment][data.RequestCount] {
						t.Errorf("%s got request %d of %s, a second time: %v", id, data.RequestCount, data.TenantID, counted[environment][data.RequestCount])
					}
					counted[environment][data.RequestCount] = true
				})
			}
		}
		wg.Wait()
		sum := map[string]int{}
		for environment, id := range owner {
			sum[id] += highest[environment]
		}
		for i := range tenants {
			if id := fmt.Sprint("tenant-", i); answered[id] != requests || sum[id] != requests {
				t.Errorf("%s: %d answers and counts that add up to %d, want %d", id, answered[id], sum[id], requests)
			}
		}
	})

	t.Run("a request without a tenant does not reach the function", func(t *testing.T) {
		status, environment, body := ask(t, prod)
		if status != http.StatusBadRequest || environment != "" || body != `{"message": "Missing required request parameters: [tenant-id]"}` {
			t.Errorf("got %d %s from environment %q", status, body, environment)
		}
	})
}
