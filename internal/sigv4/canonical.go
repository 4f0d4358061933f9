package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text whose hash is signed. path is that of r as the
// client escaped it.
func canonicalRequest(r *http.Request, path string, s *signature, body []byte) string {
	hash := sha256.Sum256(body)
	return strings.Join([]string{
		r.Method,
		canonicalPath(path),
		canonicalQuery(r.URL.RawQuery, s.presigned),
		canonicalHeaders(r, s.signedHeaders),
		strings.Join(s.signedHeaders, ";"),
		hex.EncodeToString(hash[:]),
	}, "\n")
}

// canonicalPath takes dot segments and double slashes out of a path as the client
// escaped it, and escapes it once more.
func canonicalPath(escaped string) string {
	var kept []string
	for segment := range strings.SplitSeq(escaped, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, encode(segment))
		}
	}
	path := "/" + strings.Join(kept, "/")
	if path != "/" && (strings.HasSuffix(escaped, "/") || strings.HasSuffix(escaped, "/.") || strings.HasSuffix(escaped, "/..")) {
		path += "/"
	}
	return path
}

// canonicalQuery sorts the parameters of a query, each escaped in AWS's way. The
// signature of a presigned request doesn't cover itself.
func canonicalQuery(raw string, presigned bool) string {
	type parameter struct{ name, value string }
	var all []parameter
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		p := parameter{encode(decodeQuery(name)), encode(decodeQuery(value))}
		if !presigned || p.name != "X-Amz-Signature" {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String()
}

// decodeQuery undoes the client's escaping; what can't be decoded stays.
func decodeQuery(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// canonicalHeaders has the signed headers, one a line, and an empty line.
func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		var all []string
		for _, value := range headerValues(r, name) {
			all = append(all, squeeze(value))
		}
		b.WriteString(name + ":" + strings.Join(all, ",") + "\n")
	}
	return b.String()
}

// squeeze trims a value and makes one space of each run of them.
func squeeze(value string) string {
	words := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' })
	return strings.Join(words, " ")
}

// headerValues gives a header's values, those that package http keeps elsewhere
// included.
func headerValues(r *http.Request, name string) []string {
	values := r.Header.Values(name)
	switch {
	case name == "host":
		return []string{r.Host}
	case name == "content-length" && len(values) == 0 && r.ContentLength >= 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	case name == "transfer-encoding" && len(values) == 0:
		return r.TransferEncoding
	}
	return values
}

// encode escapes every byte but the unreserved ones.
// Source: RFC 3986, section 2.3.
func encode(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.WriteString("%" + digits[c>>4:c>>4+1] + digits[c&15:c&15+1])
		}
	}
	return b.String()
}
