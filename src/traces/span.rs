//! One span, as OTLP writes it in JSON.

use serde_json::{Value, json};

use crate::digest::{hex, sha256};
use crate::model::Timestamp;

/// The trace of a case: the same for every span of it, in whichever life of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TraceId([u8; 16]);

impl TraceId {
    pub(super) fn of(installation: &str, case: i64) -> Self {
        let hash = sha256(format!("trace of case {case} of {installation}").as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        Self(id)
    }

    /// The span of that name in it.
    pub(super) fn span(&self, name: &str) -> SpanId {
        let hash = sha256(&[&self.0, name.as_bytes()].concat());
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        SpanId(id)
    }
}

/// One span of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanId([u8; 8]);

/// What has begun and ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) trace: TraceId,
    pub(super) id: SpanId,
    /// Nothing for the case itself.
    pub(super) parent: Option<SpanId>,
    pub(super) name: &'static str,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) attributes: Vec<(&'static str, Value)>,
    /// Whether it did not come to what it was for.
    pub(super) failed: bool,
}

impl Span {
    pub(super) fn json(&self) -> Value {
        let mut span = json!({
            "traceId": hex(&self.trace.0), "spanId": hex(&self.id.0), "name": self.name, "kind": 1,
            "startTimeUnixNano": nanos(self.from), "endTimeUnixNano": nanos(self.until.max(self.from)),
            "attributes": attributes(&self.attributes), "status": { "code": if self.failed { 2 } else { 1 } },
        });
        if let Some(parent) = self.parent {
            span["parentSpanId"] = Value::from(hex(&parent.0));
        }
        span
    }
}

/// 64 bits are a text in the JSON of Protocol Buffers.
fn nanos(at: Timestamp) -> String {
    (i128::from(at.ms()) * 1_000_000).to_string()
}

/// Attributes; those without a value are left out.
pub(super) fn attributes(written: &[(&'static str, Value)]) -> Vec<Value> {
    let told = written.iter().filter(|(_, value)| !value.is_null());
    told.map(|(key, value)| json!({ "key": key, "value": any_value(value) }))
        .collect()
}

fn any_value(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Array(values) => json!({ "arrayValue": { "values": values.iter().map(any_value).collect::<Vec<_>>() } }),
        Value::String(text) => json!({ "stringValue": text }),
        other => json!({ "stringValue": other.to_string() }),
    }
}
