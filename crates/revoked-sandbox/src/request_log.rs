//! The requests that the sandbox answered, for assertions.

use std::collections::VecDeque;

use serde::Serialize;

use super::Id;
use super::clock;

/// How many requests are kept; older ones are dropped, so that a benchmark does not fill the memory.
const KEPT: usize = 100_000;

/// One answered request. Neither secrets nor bodies are kept.
#[derive(Debug, Clone, Serialize)]
pub struct LoggedRequest {
    /// The node that answered.
    pub node: usize,
    /// The method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The status sent; 0 where the connection was reset instead.
    pub status: u16,
    /// The `X-Request-Id` sent, where there was one.
    pub request_id: Option<Id>,
    /// Who asked, where that was known.
    pub person: Option<Id>,
    /// When it was answered, in milliseconds since the Unix epoch; in JSON `at`, in RFC 3339.
    #[serde(rename = "at", serialize_with = "clock::rfc_3339")]
    pub at_ms: i64,
}

impl LoggedRequest {
    /// Whether the request was of that method and its path ends with `path`.
    #[must_use]
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.ends_with(path)
    }
}

/// The kept requests, and how many there were in all.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestLog {
    pub(super) kept: VecDeque<LoggedRequest>,
    pub(super) total: u64,
    /// How many of them the rate limiter refused.
    pub(super) limited: u64,
}

impl RequestLog {
    pub(super) fn push(&mut self, seen: LoggedRequest) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.total += 1;
        self.limited += u64::from(seen.status == 429);
        self.kept.push_back(seen);
    }
}
