//! The function of the conformance list on lambda_runtime.

use lambda_runtime::{service_fn, Context, Diagnostic, LambdaEvent};
use serde_json::{json, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, future, io, process};

const KEPT: &str = "/tmp/kept";

static COUNT: AtomicU64 = AtomicU64::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    let (event, context) = event.into_parts();
    let text = event["text"].as_str().unwrap_or_default();
    match event["do"].as_str().unwrap_or_default() {
        "echo" => Ok(event["value"].clone()),
        "context" => Ok(describe(&context)),
        "environment" => Ok(json!(env::var(text).unwrap_or_default())),
        "error" => Err(failure(text)),
        "exit" => process::exit(1),
        "hang" => future::pending().await,
        "print" => {
            print!("{text}");
            Ok(Value::Null)
        }
        "write" => fs::write(KEPT, text)
            .map(|()| Value::Null)
            .map_err(|e| failure(&e.to_string())),
        "read" => match fs::read_to_string(KEPT) {
            Ok(kept) => Ok(json!(kept)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Value::Null),
            Err(e) => Err(failure(&e.to_string())),
        },
        "length" => Ok(json!(text.len())),
        "large" => Ok(json!("x".repeat(event["size"].as_u64().unwrap_or_default() as usize))),
        "count" => Ok(json!(count)),
        other => Err(failure(&format!("{other:?} is nothing that I can do"))),
    }
}

fn describe(context: &Context) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "requestId": context.request_id,
        "arn": context.invoked_function_arn,
        "tenantId": context.tenant_id.as_deref().unwrap_or_default(),
        "remainingMs": context.deadline as i64 - now.as_millis() as i64,
    })
}

fn failure(message: &str) -> Diagnostic {
    Diagnostic {
        error_type: "OrderError".into(),
        error_message: message.into(),
    }
}
