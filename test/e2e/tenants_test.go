package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
)

// client is an AWS SDK that was given an endpoint URL and nothing else.
func client(b *berth) *awslambda.Client {
	return awslambda.New(awslambda.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(b.service),
		Credentials:      credentials.NewStaticCredentialsProvider("key", "secret", ""),
		RetryMaxAttempts: 1,
	})
}

// count is what the example answers.
type count struct {
	TenantID     string `json:"tenantID"`
	RequestCount int    `json:"requestCount"`
}

func counted(t *testing.T, body string) count {
	t.Helper()
	var c count
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return c
}

// pids are the processes of a tenant's environments.
func pids(b *berth, tenant string) []int {
	var all []int
	for _, e := range b.environments() {
		if e.TenantID == tenant {
			all = append(all, e.PID)
		}
	}
	return all
}

func TestTwoTenantsTwoSandboxesOneCommand(t *testing.T) {
	b := up(t, repository+"/examples/multitenant")
	for i, step := range []count{{"alice", 1}, {"alice", 2}, {"bob", 1}} {
		status, body := get(t, b.gateway+"/Prod?tenant-id="+step.TenantID)
		if got := counted(t, body); status != http.StatusOK || got != step {
			t.Errorf("request %d: %d %s, want %+v", i+1, status, body, step)
		}
	}
	alice, bob := pids(b, "alice"), pids(b, "bob")
	if len(alice) != 1 || len(bob) != 1 || alice[0] == bob[0] {
		t.Fatalf("alice's processes %v, bob's %v; want one each, and not the same", alice, bob)
	}
	if b.ready.Isolation == "namespace" {
		for _, namespace := range []string{"user", "mnt", "pid", "net", "ipc", "uts"} {
			a, errA := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", alice[0], namespace))
			b, errB := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", bob[0], namespace))
			here, _ := os.Readlink("/proc/self/ns/" + namespace)
			if errA != nil || errB != nil || a == b || a == here || b == here {
				t.Errorf("%s namespaces: alice %s (%v), bob %s (%v), this test %s; want three", namespace, a, errA, b, errB, here)
			}
		}
	}
}

func TestGatewayRefuses(t *testing.T) {
	b := up(t, repository+"/examples/multitenant")
	long := strings.Repeat("a", 257)
	for _, tt := range []struct {
		name, query string
		body        string
	}{
		{"no tenant", "", `{"message": "Missing required request parameters: [tenant-id]"}`},
		{"257 characters", "?tenant-id=" + long, "Member must have length less than or equal to 256"},
		{"a newline", "?tenant-id=a%0Ab", "Member must satisfy regular expression pattern"},
		{"a character outside the pattern", "?tenant-id=a%23b", "Member must satisfy regular expression pattern"},
	} {
		status, body := get(t, b.gateway+"/Prod"+tt.query)
		if status != http.StatusBadRequest || !strings.Contains(body, tt.body) {
			t.Errorf("%s: %d %s, want 400 with %s", tt.name, status, body, tt.body)
		}
	}
	if status, body := get(t, b.gateway+"/Prod?tenant-id="); status != http.StatusBadRequest {
		t.Errorf("an empty tenant: %d %s, want 400", status, body)
	}
	if all := b.environments(); len(all) != 0 {
		t.Errorf("refused requests started environments: %+v", all)
	}
	if status, body := get(t, b.gateway+"/Prod?tenant-id=alice"); status != http.StatusOK {
		t.Errorf("afterwards: %d %s, want 200", status, body)
	}
}

func TestInvokeCommand(t *testing.T) {
	b := up(t, repository+"/examples/multitenant/direct")
	address := strings.TrimPrefix(b.service, "http://")
	name := functions(t, b)[0]
	for i, step := range []count{{"alice", 1}, {"alice", 2}, {"bob", 1}} {
		stdout, stderr, status := command(t, "", "invoke", name, "--tenant-id", step.TenantID, "--service", address)
		if got := counted(t, stdout); status != 0 || got != step || stderr != "" {
			t.Errorf("request %d: status %d, %s%s, want %+v", i+1, status, stdout, stderr, step)
		}
	}
	stdout, _, status := command(t, "", "tenants", "--service", address)
	if status != 0 || !strings.Contains(stdout, "alice") || !strings.Contains(stdout, "bob") || !strings.Contains(stdout, "isolation: "+b.ready.Isolation) {
		t.Errorf("berth tenants: status %d\n%s", status, stdout)
	}
}

func functions(t *testing.T, b *berth) []string {
	t.Helper()
	out, err := client(b).ListFunctions(t.Context(), &awslambda.ListFunctionsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range out.Functions {
		names = append(names, *f.FunctionName)
	}
	return names
}

func TestSDK(t *testing.T) {
	b := up(t, repository+"/examples/multitenant/direct")
	name := functions(t, b)[0]
	for i, step := range []count{{"alice", 1}, {"alice", 2}, {"bob", 1}} {
		out, err := client(b).Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: aws.String(name), TenantId: aws.String(step.TenantID), Payload: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		if got := counted(t, string(out.Payload)); got != step || out.FunctionError != nil || aws.ToString(out.ExecutedVersion) != "$LATEST" {
			t.Errorf("request %d: %s, %v, want %+v", i+1, out.Payload, aws.ToString(out.FunctionError), step)
		}
	}
}

// A thousand requests of fifty tenants, twenty at a time: in every environment
// the counts are 1, 2, 3, …, and every environment has seen one tenant.
func TestNoEnvironmentSeesTwoTenants(t *testing.T) {
	const requests, tenants, atOnce = 1000, 50, 20
	b := up(t, repository+"/examples/multitenant/direct")
	name := functions(t, b)[0]

	type answer struct {
		tenant, requestID string
		count             int
	}
	answers := make([]answer, requests)
	work := make(chan int)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for i := range work {
				tenant := fmt.Sprintf("tenant-%d", i%tenants)
				request, err := http.NewRequest(http.MethodPost, b.service+"/2015-03-31/functions/"+name+"/invocations", strings.NewReader("{}"))
				if err != nil {
					t.Error(err)
					continue
				}
				request.Header.Set("X-Amz-Tenant-Id", tenant)
				r, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Error(err)
					continue
				}
				body, err := io.ReadAll(r.Body)
				r.Body.Close()
				var c count
				if err != nil || json.Unmarshal(body, &c) != nil || c.TenantID != tenant {
					t.Errorf("request %d of %s: %d %s (%v)", i, tenant, r.StatusCode, body, err)
				}
				answers[i] = answer{tenant, r.Header.Get("X-Amzn-Requestid"), c.RequestCount}
			}
		})
	}
	for i := range requests {
		work <- i
	}
	close(work)
	wg.Wait()
	if err := b.stop(os.Interrupt); err != nil {
		t.Errorf("berth ended with %v\n%s", err, &b.stderr)
	}

	served := map[string]line{} // by request ID
	for _, l := range b.invocations() {
		served[l.RequestID] = l
	}
	if len(served) != requests {
		t.Errorf("%d invocations were reported, want %d", len(served), requests)
	}
	owner := map[string]string{}  // by environment
	counts := map[string][]int{}  // by environment
	perTenant := map[string]int{} // answers
	for _, a := range answers {
		l := served[a.requestID]
		if l.TenantID != a.tenant {
			t.Errorf("request %s of %s was reported for %q", a.requestID, a.tenant, l.TenantID)
		}
		if seen, ok := owner[l.Environment]; ok && seen != a.tenant {
			t.Errorf("environment %s served %s and %s", l.Environment, seen, a.tenant)
		}
		owner[l.Environment] = a.tenant
		counts[l.Environment] = append(counts[l.Environment], a.count)
		perTenant[a.tenant]++
	}
	for id, got := range counts {
		slices.Sort(got)
		for i, n := range got {
			if n != i+1 {
				t.Errorf("environment %s of %s counted %v, want 1 to %d", id, owner[id], got, len(got))
				break
			}
		}
	}
	for tenant, n := range perTenant {
		if n != requests/tenants {
			t.Errorf("%s has %d answers, want %d", tenant, n, requests/tenants)
		}
	}
}
