package tenantcreds_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/berthdev/berth/contrib/tenantcreds"
)

// startSTS is an STS over HTTP that records the calls it gets, as far as this
// package and an SDK need one.
// Source: AWS STS API reference, AssumeRole and GetCallerIdentity.
func startSTS(t *testing.T) (endpoint string, calls <-chan url.Values) {
	seen := make(chan url.Values, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form := r.PostForm
		form.Set("authorization", r.Header.Get("Authorization"))
		form.Set("token", r.Header.Get("X-Amz-Security-Token"))
		seen <- form
		w.Header().Set("Content-Type", "text/xml")
		switch form.Get("Action") {
		case "AssumeRole":
			fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>`+
				`<Credentials><AccessKeyId>ASIA%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>`+
				`<SessionToken>session</SessionToken><Expiration>%s</Expiration></Credentials>`+
				`</AssumeRoleResult></AssumeRoleResponse>`,
				strings.ToUpper(form.Get("Tags.member.1.Value")), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		case "GetCallerIdentity":
			fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
				`<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		default:
			http.Error(w, "no such action", http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

func newClient(endpoint string) *sts.Client {
	return sts.New(sts.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("AKIAROLE", "secret", ""),
	})
}

func TestTheTagIsOnTheWire(t *testing.T) {
	endpoint, calls := startSTS(t)
	tenants := tenantcreds.New(newClient(endpoint), role, tenantcreds.Config{
		Tag:        "Customer",
		Duration:   15 * time.Minute,
		Policy:     `{"Version":"2012-10-17","Statement":[]}`,
		Transitive: true,
		Input: func(tenant string, in *sts.AssumeRoleInput) {
			in.ExternalId = aws.String("external-" + tenant)
		},
	})
	if _, err := tenants.For("acme corp/eu").Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	form := <-calls
	for name, want := range map[string]string{
		"Action":                     "AssumeRole",
		"Version":                    "2011-06-15",
		"RoleArn":                    role,
		"Tags.member.1.Key":          "Customer",
		"Tags.member.1.Value":        "acme corp/eu",
		"TransitiveTagKeys.member.1": "Customer",
		"DurationSeconds":            "900",
		"Policy":                     `{"Version":"2012-10-17","Statement":[]}`,
		"ExternalId":                 "external-acme corp/eu",
	} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if name := form.Get("RoleSessionName"); !strings.HasPrefix(name, "acme-corp-eu-") {
		t.Errorf("RoleSessionName is %q, want the tenant's with a suffix", name)
	}
	if auth := form.Get("authorization"); !strings.Contains(auth, "Credential=AKIAROLE/") {
		t.Errorf("signed as %q, want by the execution role", auth)
	}
}

func TestACallIsSignedWithTheTenantsOwnKey(t *testing.T) {
	endpoint, calls := startSTS(t)
	client := newClient(endpoint)
	tenants := tenantcreds.New(client, role, tenantcreds.Config{})
	for _, tenant := range []string{"alice", "bob"} {
		_, err := client.GetCallerIdentity(t.Context(), nil, func(o *sts.Options) {
			o.Credentials = tenants.For(tenant)
		})
		if err != nil {
			t.Fatal(err)
		}
		if form := <-calls; form.Get("Tags.member.1.Value") != tenant || form.Get("Tags.member.1.Key") != "TenantID" {
			t.Errorf("the role was assumed with %v", form)
		}
		form := <-calls
		if auth := form.Get("authorization"); !strings.Contains(auth, "Credential=ASIA"+strings.ToUpper(tenant)+"/") {
			t.Errorf("%s's call is signed as %q", tenant, auth)
		}
		if form.Get("token") != "session" {
			t.Errorf("%s's call has the session token %q", tenant, form.Get("token"))
		}
	}
}

// tenantOf stands for lambda.TenantID.
func tenantOf(context.Context) string { return "alice" }

func ExampleTenants_For() {
	// Once, in main:
	client := sts.New(sts.Options{Region: "eu-central-1"})
	tenants := tenantcreds.New(client, "arn:aws:iam::123456789012:role/tenant-data", tenantcreds.Config{})

	// In the handler, for each call of a client:
	handle := func(ctx context.Context) error {
		_, err := client.GetCallerIdentity(ctx, nil, func(o *sts.Options) {
			o.Credentials = tenants.For(tenantOf(ctx)) // lambda.TenantID(ctx)
		})
		return err
	}
	_ = handle
}
