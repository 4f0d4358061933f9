import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** The function of the conformance list on the Java runtime interface client. */
public class Function implements RequestHandler<Map<String, Object>, Object> {
    private static final Path KEPT = Path.of("/tmp/kept");
    private int count;

    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        count++;
        String text = (String) event.get("text");
        try {
            switch ((String) event.get("do")) {
                case "echo":
                    return event.get("value");
                case "context":
                    return Map.of(
                            "requestId", context.getAwsRequestId(),
                            "arn", context.getInvokedFunctionArn(),
                            "tenantId", context.getTenantId() == null ? "" : context.getTenantId(),
                            "remainingMs", context.getRemainingTimeInMillis());
                case "environment":
                    return System.getenv().getOrDefault(text, "");
                case "error":
                    throw new IllegalArgumentException(text);
                case "exit":
                    Runtime.getRuntime().halt(1);
                case "hang":
                    new CountDownLatch(1).await();
                case "print":
                    System.out.print(text);
                    return null;
                case "write":
                    Files.writeString(KEPT, text);
                    return null;
                case "read":
                    return Files.exists(KEPT) ? Files.readString(KEPT) : null;
                case "length":
                    return text.length();
                case "large":
                    return "x".repeat(((Number) event.get("size")).intValue());
                case "count":
                    return count;
            }
        } catch (java.io.IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
        throw new IllegalArgumentException(event.get("do") + " is nothing that I can do");
    }
}
