//! Compares an answer with the recorded one, and binds the ids that the two servers made up.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::fixture::Response;

/// From this value on a number is taken for a time in milliseconds.
const TIMES_FROM: i64 = 1_000_000_000_000;

/// Headers whose values are compared, repeats included. `x-request-id`, `x-version-id`, cookies, `token` and `location` have rules of
/// their own; `date` and the length of the body are the transport's.
const COMPARED: [&str; 10] = [
    "content-type",
    "expires",
    "vary",
    "cache-control",
    "pragma",
    "retry-after",
    "x-content-type-options",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// How strictly bodies are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Looseness {
    /// Every member, and no other.
    #[default]
    Exact,
    /// Only the members that the sandbox sends, and not those that name the build.
    Subset,
}

/// What the recorded ids are called in this run.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    known: HashSet<String>,
    bound: HashMap<String, String>,
}

impl Bindings {
    /// `known` ids were seeded: they are the same here as in the recording.
    pub(super) fn knowing(known: HashSet<String>) -> Self {
        Self {
            known,
            bound: HashMap::new(),
        }
    }

    /// A recorded text with this run's ids.
    pub(super) fn rewrite(&self, text: &str) -> String {
        self.bound
            .iter()
            .fold(text.to_owned(), |text, (recorded, here)| text.replace(recorded, here))
    }

    pub(super) fn compare(&mut self, recorded: &Response, here: &Response, loose: Looseness) -> Vec<String> {
        let mut problems = Vec::new();
        if recorded.status != here.status {
            let body = here.body.as_deref().unwrap_or_default();
            problems.push(format!("status {} instead of {}: {body:.200}", here.status, recorded.status));
            return problems;
        }
        self.headers(recorded, here, &mut problems);
        if let (Some(recorded), Some(here)) = (recorded.json(), here.json()) {
            self.json("", &recorded, &here, loose, &mut problems);
            return problems;
        }
        let text = |response: &Response| response.body.clone().unwrap_or_default();
        if !self.text(&text(recorded), &text(here)) {
            problems.push(format!("body {:?} instead of {:?}", here.body, recorded.body));
        }
        problems
    }

    fn headers(&mut self, recorded: &Response, here: &Response, problems: &mut Vec<String>) {
        for name in COMPARED {
            if recorded.all(name) != here.all(name) {
                problems.push(format!("{name} {:?} instead of {:?}", here.all(name), recorded.all(name)));
            }
        }
        for name in ["x-request-id", "x-version-id", "etag", "location", "token"] {
            if recorded.all(name).len() != here.all(name).len() {
                problems.push(format!("{name} {:?} instead of {:?}", here.all(name), recorded.all(name)));
            }
        }
        let version = |response: &Response| response.all("x-version-id").first().map(|id| id.starts_with("6.7.0."));
        if version(recorded) != version(here) {
            problems.push(format!("version {:?}", here.all("x-version-id")));
        }
        if let Some(id) = here
            .json()
            .as_ref()
            .and_then(|body| body.get("request_id"))
            .and_then(Value::as_str)
            && here.all("x-request-id") != [id]
        {
            problems.push(format!("the body says {id}, the header {:?}", here.all("x-request-id")));
        }
        for (recorded, here) in recorded.all("token").iter().zip(here.all("token")) {
            self.text(recorded, here);
        }
        let (cookies, set) = (recorded.all("set-cookie"), here.all("set-cookie"));
        let value = |cookie: &str| cookie.split(';').next().unwrap_or_default().to_owned();
        let same = cookies.len() == set.len()
            && cookies
                .iter()
                .zip(&set)
                .all(|(one, other)| self.text(&value(one), &value(other)));
        if !same {
            problems.push(format!("cookies {set:?} instead of {cookies:?}"));
        }
    }

    fn json(&mut self, at: &str, recorded: &Value, here: &Value, loose: Looseness, problems: &mut Vec<String>) {
        match (recorded, here) {
            (Value::Object(recorded), Value::Object(here)) => {
                for (key, value) in recorded {
                    match here.get(key) {
                        Some(other) => self.json(&format!("{at}.{key}"), value, other, loose, problems),
                        None if loose == Looseness::Subset => {}
                        None => problems.push(format!("{at}.{key} is missing")),
                    }
                }
                for key in here.keys().filter(|key| !recorded.contains_key(*key)) {
                    problems.push(format!("{at}.{key} was not recorded"));
                }
            }
            (Value::Array(recorded), Value::Array(here)) => {
                if recorded.len() != here.len() {
                    problems.push(format!("{at} has {} entries instead of {}", here.len(), recorded.len()));
                }
                for (index, (one, other)) in recorded.iter().zip(here).enumerate() {
                    self.json(&format!("{at}[{index}]"), one, other, loose, problems);
                }
            }
            (Value::String(recorded), Value::String(here)) => {
                let names_the_build = loose == Looseness::Subset && at.ends_with("BuildNumber");
                if !names_the_build && !self.text(recorded, here) {
                    problems.push(format!("{at} is {here:?} instead of {recorded:?}"));
                }
            }
            (Value::Number(one), Value::Number(other)) => {
                let (one, other) = (one.as_i64().unwrap_or_default(), other.as_i64().unwrap_or_default());
                // Times differ, but a time is never the zero that means "not". Seconds to live may round differently.
                let times = one >= TIMES_FROM && other >= TIMES_FROM;
                let rounding = at.ends_with("expires_in") && (one - other).abs() <= 1;
                if one != other && !times && !rounding {
                    problems.push(format!("{at} is {other} instead of {one}"));
                }
            }
            _ if recorded == here => {}
            _ => problems.push(format!("{at} is {here} instead of {recorded}")),
        }
    }

    /// Whether two texts say the same, word by word: words that look like ids may differ, as long as they always differ in the same way.
    fn text(&mut self, recorded: &str, here: &str) -> bool {
        if recorded == here {
            return true;
        }
        let (recorded, here) = (words(recorded), words(here));
        recorded.len() == here.len() && recorded.iter().zip(&here).all(|(one, other)| self.word(one, other))
    }

    fn word(&mut self, recorded: &str, here: &str) -> bool {
        if let Some(bound) = self.bound.get(recorded) {
            return bound == here;
        }
        if recorded == here {
            return true;
        }
        let is_id = |word: &str| word.len() >= 26 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let seconds = |word: &str| word.parse::<i64>().ok();
        if let (Some(one), Some(other)) = (seconds(recorded), seconds(here)) {
            return (one - other).abs() <= 1;
        }
        if !is_id(recorded) || !is_id(here) || self.known.contains(recorded) {
            return false;
        }
        self.bound.insert(recorded.to_owned(), here.to_owned());
        true
    }
}

/// Splits into runs of letters and digits and the characters between them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match rest.find(|c: char| !c.is_ascii_alphanumeric()) {
            Some(0) => first.len_utf8(),
            Some(length) => length,
            None => rest.len(),
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after;
    }
    words
}
