//! What an answer means: the description's table first, then what its status says anywhere.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::description::Description;
use super::description::answer::{AnswerSign, Means, is_about_us};
use super::rate_reset::reset;
use crate::model::Timestamp;
use crate::targets::Remedy;
use crate::targets::retry_after::{DEFAULT_WAIT, SHORTEST_WAIT, wait, wait_in};

/// An answer before anybody knows what it means.
pub(super) struct Received<'r> {
    pub(super) status: u16,
    pub(super) headers: &'r HeaderMap,
    /// The body as JSON, null where it is none.
    pub(super) body: &'r Value,
    /// Whether there was a body that is no JSON.
    pub(super) is_foreign: bool,
    pub(super) now: Timestamp,
}

/// What it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It worked.
    Success,
    /// It is what the caller knows a meaning of: nobody, or gone.
    Told,
    /// The feature is absent, and why.
    Off(String),
    /// It failed.
    Failed(Remedy, String),
}

/// Reads an answer. `told` is what the caller knows a meaning of.
pub(super) fn meaning(description: &Description, answer: &Received<'_>, told: &[AnswerSign]) -> Meaning {
    let bears = |sign: &AnswerSign| sign.is_on(answer.status, answer.headers, answer.body);
    if let Some(rule) = description.answers.iter().find(|rule| bears(&rule.sign)) {
        let why = rule.why.clone();
        let why = |default: &str| why.unwrap_or_else(|| default.to_owned()) + &format!(" (status {})", answer.status);
        return match rule.means {
            Means::Ours => Meaning::Failed(Remedy::Pause, why(OURS)),
            Means::Limited => limited(description, answer),
            Means::Retry => Meaning::Failed(Remedy::Retry, why("the target says that it may work later")),
            Means::Refused => Meaning::Failed(Remedy::GiveUp, why("the target refuses this change")),
            Means::Off => Meaning::Off(rule.why.clone().unwrap_or_default()),
        };
    }
    if !answer.is_foreign && !is_about_us(answer.status) && told.iter().any(bears) {
        return Meaning::Told;
    }
    match answer.status {
        200..=299 if answer.is_foreign => Meaning::Failed(
            Remedy::Pause,
            format!(
                "the answer is a success that is no JSON (status {}): this is not the system that the description is about, or something before \
                 it answers in its place; correct `url`, or let our requests pass",
                answer.status
            ),
        ),
        204 | 205 => Meaning::Success,
        200..=299 => match &description.ok {
            Some(ok) if !ok.holds(answer.body) => Meaning::Failed(
                Remedy::Retry,
                format!(
                    "the answer has the status {} and says in its body that it failed",
                    answer.status
                ),
            ),
            _ => Meaning::Success,
        },
        status => unexplained(description, status, answer),
    }
}

const OURS: &str = "the target does not accept our credential, or it lacks a right; put a valid one into the credential's file, or give it the rights \
                    that the page of this kind lists";

/// What a status says where no rule explains the answer.
fn unexplained(description: &Description, status: u16, answer: &Received<'_>) -> Meaning {
    let (remedy, why) = match status {
        401 | 403 | 407 => (Remedy::Pause, OURS),
        429 => return limited(description, answer),
        503 if waits(description, answer).is_some() => return limited(description, answer),
        // Without a time that it names, it counts as an attempt: a target that is down for good must show up in the ledger.
        500.. => (Remedy::Retry, "the target failed"),
        408 | 409 | 425 => (Remedy::Retry, "the target did not take the request at this time"),
        300..=399 => (
            Remedy::GiveUp,
            "the target redirects elsewhere, and redirects are not followed; set `url` to where it leads",
        ),
        404 => (
            Remedy::GiveUp,
            "nothing is there, and not in the words that the description knows for it; correct `url` or the description",
        ),
        _ => (Remedy::GiveUp, "the target refuses the request as it stands"),
    };
    Meaning::Failed(remedy, format!("{why} (status {status})"))
}

fn limited(description: &Description, answer: &Received<'_>) -> Meaning {
    // Okta and Auth0 name the moment in their own header, and no other.
    let reset = || reset(&description.limits, answer.headers, answer.now).map(|wait| wait.max(SHORTEST_WAIT));
    let wait = waits(description, answer).or_else(reset).unwrap_or(DEFAULT_WAIT);
    let why = format!("the target limits how fast we may call; waiting {} s", wait.as_secs());
    Meaning::Failed(Remedy::RetryAfter(wait), why)
}

/// How long the answer asks us to wait.
pub(super) fn waits(description: &Description, answer: &Received<'_>) -> Option<Duration> {
    let own = description.limits.retry_after.as_ref();
    own.and_then(|name| wait_in(answer.headers, name, answer.now))
        .or_else(|| wait(answer.headers, answer.now))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn description(more: &str) -> Description {
        let text = format!(
            "name = 'x'\nabout = 'x'\nok = [[{{ pointer = '/error', exists = false }}]]\n{more}\n[auth]\nheaders = {{}}\n[[resolve]]\nby = 'username'\ncall = 'GET /{{name}}'\n\
             nobody = [{{ status = 404, pointer = '/e', equals = 'nobody' }}]\n[principal]\ncall = 'GET /{{id}}'\nid = '/id'\n\
             names = [{{ pointer = '/n', is = 'username' }}]\n[not_covered]\n"
        );
        Description::read(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    fn judged(description: &Description, status: u16, body: &str, headers: &[(&'static str, &'static str)]) -> Meaning {
        let json = serde_json::from_str::<Value>(body);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let received = Received {
            status,
            headers: &map,
            is_foreign: !body.is_empty() && json.is_err(),
            body: &json.unwrap_or_default(),
            now: Timestamp::from_ms(0),
        };
        meaning(description, &received, &description.resolves[0].nobody)
    }

    fn word(meaning: &Meaning) -> String {
        match meaning {
            Meaning::Success => "success".to_owned(),
            Meaning::Told => "told".to_owned(),
            Meaning::Off(why) => format!("off {why}"),
            Meaning::Failed(remedy, _) => format!("{remedy:?}"),
        }
    }

    #[test]
    fn what_no_rule_explains_is_read_by_its_status_and_never_as_nobody() {
        let description = description("");
        for (status, body, headers, expected) in [
            (200, "{}", &[][..], "success"),
            (204, "", &[], "success"),
            (200, "{\"error\": 1}", &[], "Retry"),
            (200, "<html>", &[], "Pause"),
            (201, "OK", &[], "Pause"),
            (404, "{\"e\":\"nobody\"}", &[], "told"),
            (404, "{\"e\":\"no route\"}", &[], "GiveUp"),
            (404, "<html>", &[], "GiveUp"),
            (404, "", &[], "GiveUp"),
            (400, "{\"e\":\"nobody\"}", &[], "GiveUp"),
            (302, "", &[("location", "/login")], "GiveUp"),
            (401, "", &[], "Pause"),
            (403, "{}", &[], "Pause"),
            (409, "{}", &[], "Retry"),
            (500, "", &[], "Retry"),
            (502, "<html>", &[], "Retry"),
            (503, "", &[], "Retry"),
            (503, "", &[("retry-after", "7")], "RetryAfter(7s)"),
            (429, "", &[], "RetryAfter(5s)"),
            (429, "<html>", &[("retry-after", "7")], "RetryAfter(7s)"),
            (
                429,
                "",
                &[("retry-after", "Thu, 01 Jan 1970 00:00:20 GMT")],
                "RetryAfter(20s)",
            ),
        ] {
            assert_eq!(
                word(&judged(&description, status, body, headers)),
                expected,
                "{status} {body} {headers:?}"
            );
        }
    }

    #[test]
    fn nobody_is_never_read_in_an_answer_that_is_about_us() {
        let mut description = description("");
        let bare = Description::read(
            "name = 'x'\nabout = 'x'\n[auth]\nheaders = {}\n[[resolve]]\nby = 'username'\ncall = 'GET /{name}'\n\
             nobody = [{ pointer = '/e', equals = 'nobody' }]\n[principal]\ncall = 'GET /{id}'\nid = '/id'\n\
             names = [{ pointer = '/n', is = 'username' }]\n[not_covered]\n",
        );
        description.resolves = bare.unwrap().resolves;
        let said = "{\"e\":\"nobody\"}";
        for status in [200, 400, 404, 410, 422] {
            assert_eq!(word(&judged(&description, status, said, &[])), "told", "{status}");
        }
        for (status, expected) in [
            (401, "Pause"),
            (403, "Pause"),
            (407, "Pause"),
            (408, "Retry"),
            (429, "RetryAfter(5s)"),
            (500, "Retry"),
            (501, "Retry"),
            (503, "Retry"),
            (599, "Retry"),
        ] {
            assert_eq!(word(&judged(&description, status, said, &[])), expected, "{status}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_counts_and_goes_before_every_default() {
        let description = description(
            "[limits]\nretry_after = 'x-wait'\n[[answer]]\npointer = '/error/data'\ncontains = 'Not authorized'\nmeans = 'ours'\n\
             [[answer]]\nstatus = [403, 404]\npointer = '/m'\ncontains = 'rate limit'\nmeans = 'limited'\n\
             [[answer]]\nstatus = 403\nmeans = 'refused'\n[[answer]]\nheader = 'x-feature'\nequals = 'no'\nmeans = 'off'\nwhy = 'no licence'\n",
        );
        for (status, body, headers, expected) in [
            (200, "{\"error\":{\"data\":\"Not authorized.\"}}", &[][..], "Pause"),
            (200, "{\"error\":{\"data\":\"other\"}}", &[], "Retry"),
            (403, "{\"m\":\"secondary rate limit\"}", &[("x-wait", "9")], "RetryAfter(9s)"),
            (404, "{\"m\":\"rate limit\",\"e\":\"nobody\"}", &[], "RetryAfter(5s)"),
            (403, "{\"m\":\"no\"}", &[], "GiveUp"),
            (200, "{}", &[("x-feature", "no")], "off no licence"),
            (200, "{}", &[("x-feature", "yes")], "success"),
        ] {
            assert_eq!(
                word(&judged(&description, status, body, headers)),
                expected,
                "{status} {body} {headers:?}"
            );
        }
    }

    #[test]
    fn what_is_said_of_an_answer_does_not_hold_it() {
        let description = description("");
        let Meaning::Failed(_, why) = judged(&description, 403, &json!({"token": "s3cret"}).to_string(), &[]) else {
            panic!("taken for something else");
        };
        assert!(!why.contains("s3cret") && why.contains("403"), "{why}");
    }
}
