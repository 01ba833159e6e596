//! The two calls of an authorisation server about a token: end it (RFC 7009), and say whether it is good (RFC 7662).

use anyhow::anyhow;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::model::Subject;
use crate::targets::endpoint::{Endpoint, EndpointAnswer, EndpointCall};
use crate::targets::{Applied, CallContext, Remedy, TargetError};

/// How our client proves itself (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClientAuth {
    /// In the header.
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
}

/// An authorisation server's endpoints, and who we are there.
pub(super) struct TokenCalls {
    pub(super) endpoint: Endpoint,
    pub(super) revocation: Url,
    pub(super) introspection: Url,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) auth: ClientAuth,
}

/// What a server says of a token.
pub(super) enum Introspected {
    /// It is good for nothing, or none of our business.
    Inactive,
    /// It works.
    Active {
        /// The owner by the server's own name; the client's where it is a client's own token.
        owner: String,
        /// Other names that it says.
        names: Vec<Subject>,
    },
}

#[derive(Deserialize)]
struct Introspection {
    active: bool,
    iss: Option<String>,
    sub: Option<String>,
    username: Option<String>,
    client_id: Option<String>,
}

impl TokenCalls {
    /// Whether a credential is what we prove ourselves with.
    pub(super) fn is_ours(&self, credential: &SecretString) -> bool {
        credential.expose_secret() == self.client_secret.expose_secret()
    }

    /// Asks whether a token is good, and whose.
    pub(super) async fn introspect(
        &self,
        context: &CallContext,
        doing: &str,
        token: &SecretString,
    ) -> Result<Introspected, TargetError> {
        let answer = self.send(context, doing, &self.introspection, token).await?;
        if !answer.status.is_success() {
            return Err(answer.failure(doing));
        }
        let Ok(said) = serde_json::from_slice::<Introspection>(&answer.body) else {
            return Err(TargetError {
                doing: doing.to_owned(),
                remedy: Remedy::Pause,
                source: anyhow!("the answer is not that of RFC 7662; look whether introspection_url is the endpoint"),
                request: answer.request,
            });
        };
        if !said.active {
            return Ok(Introspected::Inactive);
        }
        let issued = said.iss.as_deref().zip(said.sub.as_deref());
        let names = issued.and_then(|(iss, sub)| Subject::iss_sub(iss, sub).ok()).into_iter();
        let names = names.chain(said.username.clone().filter(|name| !name.is_empty()).map(Subject::Username));
        Ok(Introspected::Active {
            names: names.collect(),
            owner: said
                .sub
                .or(said.username)
                .or(said.client_id.map(|client| format!("client {client}")))
                .unwrap_or_else(|| "unknown".to_owned()),
        })
    }

    /// Ends a token. A server says yes to one that it does not know too (RFC 7009 section 2.2).
    pub(super) async fn revoke(&self, context: &CallContext, doing: &str, token: &SecretString) -> Result<Applied, TargetError> {
        let answer = self.send(context, doing, &self.revocation, token).await?;
        if !answer.status.is_success() {
            let unsupported = error_of(&answer).as_deref() == Some("unsupported_token_type");
            let failure = answer.failure(doing);
            return Err(if unsupported {
                TargetError {
                    source: anyhow!("the server does not end tokens of this type; contain their owner"),
                    ..failure
                }
            } else {
                failure
            });
        }
        Ok(Applied {
            requests: answer.request.into_iter().collect(),
            sent_at: answer.date,
            ..Applied::default()
        })
    }

    async fn send(
        &self,
        context: &CallContext,
        doing: &str,
        url: &Url,
        token: &SecretString,
    ) -> Result<EndpointAnswer, TargetError> {
        let mut form = vec![("token", token.expose_secret())];
        let authorization = match self.auth {
            ClientAuth::ClientSecretBasic => Some(self.basic(doing)?),
            ClientAuth::ClientSecretPost => {
                form.push(("client_id", &self.client_id));
                form.push(("client_secret", self.client_secret.expose_secret()));
                None
            }
        };
        let call = EndpointCall {
            doing,
            url,
            authorization,
            media: "application/x-www-form-urlencoded",
            body: encoded(&form),
        };
        let answer = self.endpoint.post(context, call).await?;
        // A client that is not known is told by 400 as well as by 401 (RFC 6749 section 5.2).
        if answer.status.as_u16() == 400 && error_of(&answer).as_deref() == Some("invalid_client") {
            return Err(TargetError {
                doing: doing.to_owned(),
                remedy: Remedy::Pause,
                source: anyhow!("the server does not know our client, or its secret is wrong"),
                request: answer.request,
            });
        }
        Ok(answer)
    }

    /// Both halves are written as in a form before they are joined (RFC 6749 section 2.3.1).
    fn basic(&self, doing: &str) -> Result<HeaderValue, TargetError> {
        let half = |text: &str| encoded(&[("", text)]).trim_start_matches('=').to_owned();
        let pair = format!("{}:{}", half(&self.client_id), half(self.client_secret.expose_secret()));
        let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)));
        let mut value = value.map_err(|_| TargetError {
            doing: doing.to_owned(),
            remedy: Remedy::GiveUp,
            source: anyhow!("our client's secret does not fit into a header"),
            request: None,
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// The word for what is wrong, of an error's body.
fn error_of(answer: &EndpointAnswer) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        error: String,
    }
    serde_json::from_slice::<Said>(&answer.body).ok().map(|said| said.error)
}

/// A form's body.
fn encoded(pairs: &[(&str, &str)]) -> String {
    let Ok(mut url) = Url::parse("http://form") else {
        return String::new();
    };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_secret_cannot_become_another_field_of_the_form() {
        assert_eq!(encoded(&[("token", "a&client_id=b c+%")]), "token=a%26client_id%3Db+c%2B%25");
    }
}
