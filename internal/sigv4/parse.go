package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeLayout = "20060102T150405Z"
	dayLayout  = "20060102"
	// maxExpires is a week, in seconds: the longest that a presigned request holds.
	maxExpires = 604800
)

// signature is what a request says of its own signature.
type signature struct {
	accessKeyID                      string
	day, region, service, terminator string // the credential's scope
	signedHeaders                    []string
	signature                        string // 64 hexadecimal digits
	at                               time.Time
	token                            string
	presigned                        bool
	expires                          time.Duration // of a presigned one
}

// parseSignature reads the signature of r from its headers, or from its query.
func parseSignature(r *http.Request) (*signature, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return parseHeader(r, header)
	}
	query := r.URL.Query()
	if query.Has("X-Amz-Algorithm") || query.Has("X-Amz-Signature") {
		return parseQuery(query)
	}
	return nil, &Error{MissingToken, "Missing Authentication Token"}
}

func parseHeader(r *http.Request, header string) (*signature, error) {
	rest, ok := strings.CutPrefix(header, algorithm)
	if !ok || rest != "" && rest[0] != ' ' {
		if strings.HasPrefix(header, "AWS4-") {
			return nil, &Error{incomplete, "Unsupported AWS 'algorithm': '" + firstWord(header) + "'. "}
		}
		return nil, &Error{MissingToken, "Missing Authentication Token"}
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	s := &signature{token: r.Header.Get("X-Amz-Security-Token")}
	var faults []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			faults = append(faults, "Authorization header requires '"+name+"' parameter.")
		}
	}
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(timeLayout, date)
	if date == "" {
		date = r.Header.Get("Date")
		at, err = http.ParseTime(date)
	}
	if date == "" || err != nil {
		faults = append(faults, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if len(faults) == 0 && !s.setCredential(parts["Credential"]) {
		faults = append(faults, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,")
	}
	if len(faults) > 0 {
		hash := sha256.Sum256([]byte(header))
		return nil, &Error{incomplete, strings.Join(faults, " ") +
			" (Hashed with SHA-256 and encoded with Base64) Authorization=" + base64.StdEncoding.EncodeToString(hash[:])}
	}
	s.at = at.UTC()
	s.signature = parts["Signature"]
	s.signedHeaders = strings.Split(parts["SignedHeaders"], ";")
	return s, nil
}

func parseQuery(query url.Values) (*signature, error) {
	s := &signature{presigned: true, token: query.Get("X-Amz-Security-Token")}
	if a := query.Get("X-Amz-Algorithm"); a != algorithm {
		return nil, &Error{incomplete, "Unsupported AWS 'algorithm': '" + a + "'. "}
	}
	var faults []string
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if len(query[name]) != 1 || query.Get(name) == "" {
			faults = append(faults, "AWS query-string parameters must include '"+name+"'.")
		}
	}
	at, err := time.Parse(timeLayout, query.Get("X-Amz-Date"))
	if len(faults) == 0 && err != nil {
		faults = append(faults, "Date must be in ISO-8601 'basic format'. Got '"+query.Get("X-Amz-Date")+"'.")
	}
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	if len(faults) == 0 && (err != nil || seconds < 1 || seconds > maxExpires) {
		faults = append(faults, "X-Amz-Expires must be between 1 and 604800 seconds.")
	}
	if len(faults) == 0 && !s.setCredential(query.Get("X-Amz-Credential")) {
		faults = append(faults, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,")
	}
	if len(faults) > 0 {
		return nil, &Error{incomplete, strings.Join(faults, " ")}
	}
	s.at = at.UTC()
	s.expires = time.Duration(seconds) * time.Second
	s.signature = query.Get("X-Amz-Signature")
	s.signedHeaders = strings.Split(query.Get("X-Amz-SignedHeaders"), ";")
	return s, nil
}

// setCredential takes a credential apart: "AKID/20150830/us-east-1/lambda/aws4_request".
func (s *signature) setCredential(credential string) bool {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[0] == "" {
		return false
	}
	s.accessKeyID, s.day, s.region, s.service, s.terminator = parts[0], parts[1], parts[2], parts[3], parts[4]
	return true
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}
