package template

import (
	"time"

	"github.com/berthdev/berth/internal/api"
)

// corsSpelling is how the places that configure CORS name its parts.
type corsSpelling struct{ origins, methods, headers, exposed, credentials, maxAge string }

var (
	corsInResource   = corsSpelling{"AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders", "AllowCredentials", "MaxAge"}
	corsInDefinition = corsSpelling{"allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "allowCredentials", "maxAge"}
)

// maxCORSAge is how long browsers may be told to remember, in seconds.
// Source: AWS Lambda API reference, Cors.
const maxCORSAge = 86400

// cors reads the CORS configuration of an HTTP API or a function URL.
func (m *maker) cors(o object, names corsSpelling) *api.CORS {
	o.check(map[string]support{names.origins: reads, names.methods: reads, names.headers: reads,
		names.exposed: reads, names.credentials: reads, names.maxAge: reads})
	c := &api.CORS{
		AllowOrigins: o.texts(names.origins), AllowMethods: o.texts(names.methods),
		AllowHeaders: o.texts(names.headers), ExposeHeaders: o.texts(names.exposed),
	}
	c.AllowCredentials, _ = o.flag(names.credentials)
	if s, ok := o.whole(names.maxAge, 0, maxCORSAge, " s"); ok {
		c.MaxAge = time.Duration(s) * time.Second
	}
	return c
}
