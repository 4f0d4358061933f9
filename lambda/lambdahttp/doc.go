// Package lambdahttp lets an [net/http.Handler] serve the events of API Gateway's
// REST APIs and HTTP APIs, of function URLs and of Application Load Balancers. It
// tells them apart by the event, so that one function may stand behind several.
//
// Any router will do: net/http's own, chi, echo, gin. What the handler sees is a
// request as a net/http server would have read it, at the path that the client
// asked for without the API's stage.
//
// Package lambda does not depend on this one: only a function that imports it
// links net/http.
package lambdahttp
