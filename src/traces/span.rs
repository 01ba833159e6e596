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
    /// The span of another system that it follows from.
    pub(super) link: Option<Link>,
    /// Whether it did not come to what it was for.
    pub(super) failed: bool,
}

/// A span of another system.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Link {
    trace: String,
    span: String,
}

impl Link {
    /// Reads a `traceparent` of the version that stands (W3C Trace Context section 3.2); nothing where it is none, or names no trace or no span.
    pub(super) fn of_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (Some("00"), Some(trace), Some(span), Some(flags), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let is_id = |part: &str, length| {
            part.len() == length
                && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
                && part.bytes().any(|byte| byte != b'0')
        };
        (is_id(trace, 32) && is_id(span, 16) && flags.len() == 2).then(|| Self {
            trace: trace.to_owned(),
            span: span.to_owned(),
        })
    }
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
        if let Some(Link { trace, span: other }) = &self.link {
            span["links"] = json!([{ "traceId": trace, "spanId": other }]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_a_link_and_nothing_else_is() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let link = Link::of_traceparent(&format!("00-{trace}-{span}-01")).unwrap();
        assert_eq!((link.trace.as_str(), link.span.as_str()), (trace, span));
        for text in [
            "8675309".to_owned(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-02"),
            format!("cc-{trace}-{span}-01"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
        ] {
            assert_eq!(Link::of_traceparent(&text), None, "{text}");
        }
    }
}
