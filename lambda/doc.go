/*
Package lambda runs a Go program as an AWS Lambda function.

A function is a handler given to [Start]:

	func main() { lambda.Start(lambda.Func(handle)) }

	func handle(ctx context.Context, order Order) (Receipt, error) {
		slog.InfoContext(ctx, "order", "id", order.ID) // carries requestId and tenantId
		...
	}

The program is built for Linux as an executable named bootstrap, and the same
file runs on AWS and on Berth. It links neither net/http nor crypto/tls unless
you import them.

# Handlers

Four constructors make a [Handler], each of a function of another shape. A shape
that does not fit does not compile.

  - [Func] takes an event and returns a response, both of any type that JSON has
    a form for.
  - [Bytes] takes and returns the bytes themselves.
  - [Stream] writes its response in parts, for large ones and for those who wait
    for the first byte.
  - [Background] answers first and goes on working.

An http.Handler becomes one by package lambdahttp, which stands apart so that
only those who use it link net/http. The types of
github.com/aws/aws-lambda-go/events can be used as they are.

# The invocation

The handler's context tells which invocation it works for: [FromContext] has the
request ID, the deadline, the function's ARN as the caller wrote it, and the rest
that Lambda sends; [TenantID] has the tenant. The context ends at the deadline,
with [ErrDeadline] as its cause, or earlier if [WithDeadlineMargin] says so.

# Tenants

A function with tenant isolation (PER_TENANT) gets execution environments that
serve one tenant only. What it keeps in memory or in /tmp belongs to that tenant.
A function that relies on it says so with [RequireTenant], and then fails loudly
where it was deployed without.

# Errors

An error goes to the caller as Lambda's JSON, with errorType and errorMessage.
Its type is the name of its Go type, or what an [Error] says. A panic is reported
with its stack, and then the process exits: the next invocation finds a new one.
Either is logged at level ERROR.

# Logs

[Start] gives slog's default logger a handler that adds requestId and tenantId to
every line that is logged with a handler's context, and obeys the function's
logging configuration: text or JSON, and the level. At [LevelTrace] it shows the
headers of each invocation.

# Life

[OnInit] and [Services] run before the first invocation, [OnShutdown] and the
other half of [Services] before the environment goes away. [Run] is [Start] for
programs that want to go on afterwards.

Where AWS_LAMBDA_MAX_CONCURRENCY is set (Lambda Managed Instances), the handler
is called for as many invocations at once, and the process's environment is left
alone: _X_AMZN_TRACE_ID is set only where there is one invocation at a time.

# When the Runtime API misbehaves

A connection that breaks is replaced once and the request is sent again; a second
break ends the process, and so does an answer that can't be understood or a
status of 5xx. An answer that Lambda refuses (403 or 410 for one that comes too
late, 413 for one too large) is logged, and the next invocation may come. Nothing
here has a time limit of its own: the platform's holds.
*/
package lambda
