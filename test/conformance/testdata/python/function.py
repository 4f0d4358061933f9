"""The function of the conformance list on awslambdaric."""

import os
import time

count = 0


def handle(event, context):
    global count
    count += 1
    match event["do"]:
        case "echo":
            return event["value"]
        case "context":
            return {
                "requestId": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "tenantId": context.tenant_id,
                "remainingMs": context.get_remaining_time_in_millis(),
            }
        case "environment":
            return os.environ.get(event["text"], "")
        case "error":
            raise ValueError(event["text"])
        case "exit":
            os._exit(1)
        case "hang":
            time.sleep(3600)
        case "print":
            print(event["text"], end="")
            return None
        case "write":
            with open("/tmp/kept", "w") as f:
                f.write(event["text"])
            return None
        case "read":
            try:
                with open("/tmp/kept") as f:
                    return f.read()
            except FileNotFoundError:
                return None
        case "length":
            return len(event["text"])
        case "large":
            return "x" * event["size"]
        case "count":
            return count
    raise ValueError(f"{event['do']!r} is nothing that I can do")
