package gateway

import "context"

// spellings has the header names of a request as its client wrote them, by
// canonical name; nil when nobody kept them.
func spellings(context.Context) map[string]string { return nil }
