// The function of the conformance list on aws-lambda-ric.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

let count = 0;

export async function handle(event, context) {
  count++;
  switch (event.do) {
    case "echo":
      return event.value;
    case "context":
      return {
        requestId: context.awsRequestId,
        arn: context.invokedFunctionArn,
        tenantId: context.tenantId,
        remainingMs: context.getRemainingTimeInMillis(),
      };
    case "environment":
      return process.env[event.text] ?? "";
    case "error":
      throw new RangeError(event.text);
    case "exit":
      process.exit(1);
    case "hang":
      return new Promise((done) => setTimeout(done, 3600_000));
    case "print":
      process.stdout.write(event.text);
      return null;
    case "write":
      writeFileSync("/tmp/kept", event.text);
      return null;
    case "read":
      return existsSync("/tmp/kept") ? readFileSync("/tmp/kept", "utf8") : null;
    case "length":
      return event.text.length;
    case "large":
      return "x".repeat(event.size);
    case "count":
      return count;
  }
  throw new RangeError(`${event.do} is nothing that I can do`);
}
