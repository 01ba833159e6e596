//! The recordings as they lie in `tests/fixtures/mattermost`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) case: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Step {
    pub(super) label: Option<String>,
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    pub(super) event: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
}

impl Request {
    /// Whether the request asks for a change.
    pub(super) fn changes(&self) -> bool {
        self.method != "GET"
    }

    /// Whether the request makes something new, whose ids are not to be seeded.
    pub(super) fn creates(&self) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        let makers = [
            "/users",
            "/bots",
            "/hooks/incoming",
            "/hooks/outgoing",
            "/commands",
            "/tokens",
            "/oauth/apps",
        ];
        self.method == "POST" && makers.iter().any(|maker| path.ends_with(maker))
    }
}

impl Response {
    /// All values of a header.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.body.as_deref()?).ok()
    }
}

/// All cases by name.
pub(super) fn load() -> BTreeMap<String, Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mattermost");
    let mut cases = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(&path).expect("a fixture");
            let case: Case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            cases.insert(case.case.clone(), case);
        }
    }
    cases
}
