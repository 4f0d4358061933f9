package sqs

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/store"
)

// header is what a queue knows of a message, without the message.
type header struct {
	ID       string    `json:"id"`
	Sent     time.Time `json:"sent"`
	Visible  time.Time `json:"visible"` // from when on it is given out
	First    time.Time `json:"first"`   // received; zero if it never was
	Received int       `json:"received,omitempty"`
	Source   string    `json:"source,omitempty"` // ARN of the queue that has given it up
}

// key is a message's key in its queue's buckets: in order of arrival.
func key(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// bucketOf is one of the two buckets of a queue; an error if the queue is gone.
func bucketOf(tx *store.Tx, name string, which []byte) (*store.Bucket, error) {
	q := tx.Bucket(messagesBucket).Bucket([]byte(name))
	if q == nil {
		return nil, errNoQueue
	}
	return q.Bucket(which), nil
}

// insert writes a new message and returns its number.
func insert(tx *store.Tx, name string, h header, body []byte) (seq uint64, err error) {
	headers, err := bucketOf(tx, name, headersBucket)
	if err != nil {
		return 0, err
	}
	if seq, err = headers.NextSequence(); err != nil {
		return 0, err
	}
	if err := putHeader(tx, name, seq, h); err != nil {
		return 0, err
	}
	bodies, err := bucketOf(tx, name, bodiesBucket)
	if err != nil {
		return 0, err
	}
	return seq, bodies.Put(key(seq), body)
}

func putHeader(tx *store.Tx, name string, seq uint64, h header) error {
	encoded, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode message %s: %w", h.ID, err)
	}
	headers, err := bucketOf(tx, name, headersBucket)
	if err != nil {
		return err
	}
	return headers.Put(key(seq), encoded)
}

// erase removes a message.
func erase(tx *store.Tx, name string, seq uint64) error {
	for _, which := range [][]byte{headersBucket, bodiesBucket} {
		b, err := bucketOf(tx, name, which)
		if err != nil {
			return err
		}
		if err := b.Delete(key(seq)); err != nil {
			return err
		}
	}
	return nil
}

// bodyOf reads a message as it is stored.
func bodyOf(tx *store.Tx, name string, seq uint64) ([]byte, error) {
	bodies, err := bucketOf(tx, name, bodiesBucket)
	if err != nil {
		return nil, err
	}
	return slices.Clone(bodies.Get(key(seq))), nil
}

// receipt names one receipt of a message: what deletes it, or changes for how
// long it is hidden.
type receipt struct {
	seq      uint64
	received int
	id       string
}

func (r receipt) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %s", r.seq, r.received, r.id))
}

// parseReceipt reads a receipt handle; ok is false if it is none of ours.
func parseReceipt(handle string) (r receipt, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(handle)
	if err != nil {
		return r, false
	}
	n, err := fmt.Sscanf(string(text), "%d %d %s", &r.seq, &r.received, &r.id)
	return r, err == nil && n == 3
}

// check refuses what can't be a message.
// Source: Amazon SQS API reference, SendMessage.
func check(m queue.Message, limit int) *fault {
	if m.Body == "" {
		return &fault{code: "MissingParameter", message: "The request must contain the parameter MessageBody."}
	}
	if strings.ContainsFunc(m.Body, notAllowed) || !utf8.ValidString(m.Body) {
		return &fault{code: "InvalidMessageContents", message: "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF."}
	}
	if len(m.Attributes) > 10 {
		return invalid("Number of message attributes [%d] exceeds the allowed maximum [10].", len(m.Attributes))
	}
	size := len(m.Body)
	for _, a := range m.Attributes {
		size += len(a.Name) + len(a.Type) + len(a.Text) + len(a.Binary)
		kind, _, _ := strings.Cut(a.Type, ".")
		switch {
		case a.Name == "" || len(a.Name) > 256 || strings.ContainsFunc(a.Name, notInName):
			return invalid("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters.", a.Name)
		case kind != "String" && kind != "Number" && kind != "Binary":
			return invalid("The type of message attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", a.Name)
		case len(a.Text) == 0 && len(a.Binary) == 0:
			return invalid("The message attribute '%s' must contain a non-empty message attribute value.", a.Name)
		}
	}
	if size > limit {
		return invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	return nil
}

func notAllowed(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
}

// BodyMD5 is the digest by which receivers check a message's body.
func BodyMD5(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// AttributesMD5 is the digest by which receivers check message attributes; "" if
// there are none.
// Source: Amazon SQS developer guide, sqs-message-metadata.
func AttributesMD5(attributes []queue.Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	sorted := slices.Clone(attributes)
	slices.SortFunc(sorted, func(a, b queue.Attribute) int { return strings.Compare(a.Name, b.Name) })
	var text []byte
	add := func(part string) {
		text = binary.BigEndian.AppendUint32(text, uint32(len(part)))
		text = append(text, part...)
	}
	for _, a := range sorted {
		add(a.Name)
		add(a.Type)
		if strings.HasPrefix(a.Type, "Binary") {
			text = append(text, 2)
			add(string(a.Binary))
		} else {
			text = append(text, 1)
			add(a.Text)
		}
	}
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:])
}
