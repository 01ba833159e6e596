//! Faults that a test (or another process, by `POST /sandbox/faults`) sets on a running sandbox.

use http::Method;
use serde::{Deserialize, Serialize};

/// Something that goes wrong with the calls it names.
///
/// As JSON: `{"method": "POST", "path": "/api/v4/users/*/sessions/revoke/all", "times": 2, "effect": {"status": 503}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only calls of this method; any where absent.
    #[serde(default)]
    pub method: Option<String>,
    /// Only calls whose path fits: `*` stands for one segment, a last `**` for any rest. Any path where empty.
    #[serde(default)]
    pub path: String,
    /// Only calls to this node; any where absent.
    #[serde(default)]
    pub node: Option<usize>,
    /// So many calls that fit pass before the fault begins.
    #[serde(default)]
    pub after: u32,
    /// For how many calls; until it is cleared where absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// Whether the call takes effect although its answer is spoiled: the case of an answer lost on its way.
    #[serde(default)]
    pub applied: bool,
    /// What goes wrong.
    pub effect: Effect,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The answer comes so many milliseconds late; it is right otherwise.
    Latency(u64),
    /// 429 in the rate limiter's form, with `Retry-After` in seconds.
    Limited(u64),
    /// An answer of this status, with the server's error body where it is an error.
    Status(u16),
    /// The connection is reset in place of an answer.
    Reset,
    /// The answer ends in the middle of its body.
    Truncated,
    /// 200 with an HTML page, as a proxy's login page.
    Html,
    /// The right answer for a success, while nothing happens.
    Nothing,
}

impl Fault {
    /// A fault of every call of `method` to `path`, until it is cleared.
    #[must_use]
    pub fn on(method: &str, path: &str, effect: Effect) -> Self {
        let (method, path) = (Some(method.to_owned()), path.to_owned());
        Self {
            method,
            path,
            node: None,
            after: 0,
            times: None,
            applied: false,
            effect,
        }
    }

    /// The same fault for the next `times` calls only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// The same fault, after so many calls have passed.
    #[must_use]
    pub fn after(self, calls: u32) -> Self {
        Self { after: calls, ..self }
    }

    /// The same fault at one node only.
    #[must_use]
    pub fn at_node(self, node: usize) -> Self {
        Self {
            node: Some(node),
            ..self
        }
    }

    /// The same fault, with the call taking effect all the same.
    #[must_use]
    pub fn applied(self) -> Self {
        Self { applied: true, ..self }
    }

    fn fits(&self, method: &Method, path: &str, node: usize) -> bool {
        self.method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && self.node.is_none_or(|wanted| wanted == node)
            && path_fits(&self.path, path)
    }
}

fn path_fits(pattern: &str, path: &str) -> bool {
    if pattern.is_empty() {
        return true;
    }
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        match (wanted, segments.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// Takes the first fault that fits a call, and counts it.
pub(super) fn take(faults: &mut Vec<Fault>, method: &Method, path: &str, node: usize) -> Option<Fault> {
    let mut found = None;
    for (place, fault) in faults.iter_mut().enumerate() {
        if !fault.fits(method, path, node) {
            continue;
        }
        if fault.after > 0 {
            fault.after -= 1;
            continue;
        }
        found = Some(place);
        break;
    }
    let place = found?;
    let fault = faults[place].clone();
    if let Some(times) = &mut faults[place].times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            faults.remove(place);
        }
    }
    Some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_segments() {
        assert!(path_fits(
            "/api/v4/users/*/sessions/revoke/all",
            "/api/v4/users/abc/sessions/revoke/all"
        ));
        assert!(!path_fits(
            "/api/v4/users/*/sessions/revoke",
            "/api/v4/users/abc/sessions/revoke/all"
        ));
        assert!(path_fits("/api/v4/**", "/api/v4/users/abc"));
        assert!(!path_fits("/api/v4/users/*", "/api/v4/users"));
        assert!(path_fits("", "/anything"));
    }

    #[test]
    fn a_counted_fault_ends_and_leaves_the_next() {
        let fault = |status| Fault::on("GET", "/x", Effect::Status(status));
        let mut faults = vec![fault(500).times(2).after(1), fault(503)];
        let mut take = || match take(&mut faults, &Method::GET, "/x", 0).map(|fault| fault.effect) {
            Some(Effect::Status(status)) => status,
            other => panic!("{other:?}"),
        };
        assert_eq!([take(), take(), take(), take()], [503, 500, 500, 503]);
    }

    #[test]
    fn a_fault_reads_from_json() {
        let read = |text| serde_json::from_str::<Fault>(text);
        let fault = read(r#"{"method": "POST", "path": "/a/*", "times": 2, "effect": {"status": 503}}"#).unwrap();
        assert_eq!(fault, Fault::on("POST", "/a/*", Effect::Status(503)).times(2));
        assert_eq!(read(r#"{"effect": "reset"}"#).unwrap().effect, Effect::Reset);
        assert!(read(r#"{"effect": "reset", "tims": 3}"#).is_err());
    }
}
