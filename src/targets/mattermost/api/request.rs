//! One request to the server, before it is sent.

use std::fmt::Display;

use http::Method;
use reqwest::Url;
use secrecy::SecretString;

/// One request of the API v4, without host and credential. Its path may hold a secret (an incoming webhook's id), so it has no `Debug`.
pub(in crate::targets::mattermost) struct Call {
    /// What it does, for errors: `listing the sessions of npry…`. Never a secret, and no address of a person.
    pub(in crate::targets::mattermost) doing: String,
    pub(in crate::targets::mattermost) method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    pub(in crate::targets::mattermost) body: Option<Vec<u8>>,
    pub(in crate::targets::mattermost) credential: Credential,
    /// Below `/api/v4`, as against a path of the site itself.
    of_the_api: bool,
}

/// What a request proves itself by.
#[derive(Clone)]
pub(in crate::targets::mattermost) enum Credential {
    /// The operator account's token.
    Ours,
    /// Another, which is tried.
    Held(SecretString),
    /// Nothing but its path.
    None,
}

impl Call {
    fn new(method: Method, doing: impl Into<String>, path: &[&str]) -> Self {
        Self {
            doing: doing.into(),
            method,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            body: None,
            credential: Credential::Ours,
            of_the_api: true,
        }
    }

    /// A reading request for the segments of `path` below `/api/v4`.
    pub(in crate::targets::mattermost) fn get(doing: impl Into<String>, path: &[&str]) -> Self {
        Self::new(Method::GET, doing, path)
    }

    /// A `POST`.
    pub(in crate::targets::mattermost) fn post(doing: impl Into<String>, path: &[&str]) -> Self {
        Self::new(Method::POST, doing, path)
    }

    /// A `PUT`.
    pub(in crate::targets::mattermost) fn put(doing: impl Into<String>, path: &[&str]) -> Self {
        Self::new(Method::PUT, doing, path)
    }

    /// A `DELETE`.
    pub(in crate::targets::mattermost) fn delete(doing: impl Into<String>, path: &[&str]) -> Self {
        Self::new(Method::DELETE, doing, path)
    }

    /// A `POST` to a path of the site itself, without a credential: an incoming webhook.
    pub(in crate::targets::mattermost) fn post_to_site(doing: impl Into<String>, path: &[&str]) -> Self {
        Self {
            credential: Credential::None,
            of_the_api: false,
            ..Self::new(Method::POST, doing, path)
        }
    }

    /// The same request in the name of whoever holds `credential`.
    pub(in crate::targets::mattermost) fn by(self, credential: &SecretString) -> Self {
        Self {
            credential: Credential::Held(credential.clone()),
            ..self
        }
    }

    /// The same request without any credential: a sign-in.
    pub(in crate::targets::mattermost) fn without_credential(self) -> Self {
        Self {
            credential: Credential::None,
            ..self
        }
    }

    /// Adds a query parameter.
    pub(in crate::targets::mattermost) fn query(mut self, name: &'static str, value: impl Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Sets a JSON body.
    pub(in crate::targets::mattermost) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self
    }

    /// The full URL at `base`. Every segment is percent-encoded, so no id or address can reach another route.
    pub(in crate::targets::mattermost) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            if self.of_the_api {
                segments.extend(["api", "v4"]);
            }
            segments.extend(self.path.iter());
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_with_a_path_keeps_it() {
        let base = Url::parse("https://example.org/chat/").unwrap();
        let call = Call::get("", &["users", "me"]).query("page", 0);
        assert_eq!(call.url(&base).as_str(), "https://example.org/chat/api/v4/users/me?page=0");
    }

    #[test]
    fn a_segment_cannot_leave_its_route() {
        let base = Url::parse("https://example.org").unwrap();
        let call = Call::get("", &["users", "email", "a/../b?c#d%2f@example.org"]);
        assert_eq!(
            call.url(&base).as_str(),
            "https://example.org/api/v4/users/email/a%2F..%2Fb%3Fc%23d%252f@example.org"
        );
    }
}
