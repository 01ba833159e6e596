//! Sending as ourselves: with the token that was exchanged for our credential, which is exchanged anew where it is over or refused.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::client::{Answer, Call, Client, Outcome, Sent, fail};
use super::description::auth::{Assertion, Exchange, TokenPlace};
use super::render::Page;
use super::values::Values;
use crate::jose::Signer;
use crate::targets::unknown_password::unknown_password;
use crate::targets::{CallContext, Remedy, TargetError};

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(30);
/// How far back an assertion is dated: the target's clock may be behind ours.
const BACKDATED: i64 = 30;

/// The token in use.
#[derive(Clone)]
struct Token {
    secret: SecretString,
    until: Option<Instant>,
}

/// A client that signs in by itself.
pub(super) struct Session {
    pub(super) client: Client,
    token: Mutex<Option<Token>>,
    /// One exchanges at a time. An urgent call must not wait until a routine one got its permit.
    urgent: tokio::sync::Mutex<()>,
    others: tokio::sync::Mutex<()>,
}

impl Session {
    /// A client that has not signed in yet.
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            token: Mutex::default(),
            urgent: tokio::sync::Mutex::default(),
            others: tokio::sync::Mutex::default(),
        }
    }

    /// Sends a request for a whole answer.
    pub(super) async fn send(&self, context: &CallContext, call: &Call<'_>) -> Result<Outcome, TargetError> {
        self.send_page(context, call, &Page::default()).await
    }

    /// Sends a request for a page of an answer. A 401 with an exchanged token is tried once anew.
    pub(super) async fn send_page(&self, context: &CallContext, call: &Call<'_>, page: &Page) -> Result<Outcome, TargetError> {
        let Some(exchange) = &self.client.description.auth.exchange else {
            return match self.client.send(context, call, page, None).await? {
                Sent::Understood(outcome) => Ok(*outcome),
                Sent::Unauthorized(error) => Err(error),
            };
        };
        let token = self.token(context, exchange).await?;
        if let Sent::Understood(outcome) = self.client.send(context, call, page, Some(&token)).await? {
            return Ok(*outcome);
        }
        self.forget(&token);
        let token = self.token(context, exchange).await?;
        match self.client.send(context, call, page, Some(&token)).await? {
            Sent::Understood(outcome) => Ok(*outcome),
            Sent::Unauthorized(error) => Err(error),
        }
    }

    /// Forgets the token, where it is still this one.
    fn forget(&self, dead: &SecretString) {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        token.take_if(|token| token.secret.expose_secret() == dead.expose_secret());
    }

    /// Forgets the token, whichever it is.
    pub(super) fn sign_out(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fresh(&self) -> Option<SecretString> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        token
            .until
            .is_none_or(|until| Instant::now() + MARGIN < until)
            .then_some(token.secret)
    }

    async fn token(&self, context: &CallContext, exchange: &Exchange) -> Result<SecretString, TargetError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let turn = if context.priority().is_urgent() {
            &self.urgent
        } else {
            &self.others
        };
        let _turn = turn.lock().await;
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let token = self.exchange(context, exchange).await?;
        let secret = token.secret.clone();
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Ok(secret)
    }

    async fn exchange(&self, context: &CallContext, exchange: &Exchange) -> Result<Token, TargetError> {
        let doing = "signing in to the target";
        let own = |source: anyhow::Error| fail(doing, Remedy::Pause, source, None);
        let assertion = exchange.assertion.as_ref().map(|assertion| self.assertion(assertion));
        let assertion = assertion.transpose().map_err(own)?;
        let random = unknown_password().map_err(own)?;
        let values = Values {
            assertion: assertion.as_ref(),
            random: Some(&random),
            ..Values::default()
        };
        let asked = Instant::now();
        let sent = self
            .client
            .send(context, &Call::new(doing, &exchange.request, values), &Page::default(), None)
            .await;
        // Whatever it is that the target refuses here is ours.
        let sent = sent.map_err(|error| match error.remedy {
            Remedy::GiveUp => TargetError {
                remedy: Remedy::Pause,
                ..error
            },
            _ => error,
        });
        let answer = match sent? {
            Sent::Understood(outcome) => outcome.success(doing)?,
            Sent::Unauthorized(error) => return Err(error),
        };
        let token = token_of(&exchange.token, &answer);
        let token = token.ok_or_else(|| answer.not_understood("there is no token where the description looks for it"))?;
        Ok(Token {
            secret: SecretString::from(token),
            until: self.until(exchange, &answer, asked),
        })
    }

    /// When the token is over, by what the answer says.
    fn until(&self, exchange: &Exchange, answer: &Answer, asked: Instant) -> Option<Instant> {
        let life = exchange.life.as_ref().and_then(|life| life.text(&answer.body));
        let life = life.and_then(|seconds| seconds.split('.').next()?.parse().ok().map(Duration::from_secs));
        let left = || {
            let end = exchange.expires.as_ref()?.of(&answer.body)?;
            // By the target's clock where the answer shows it.
            Some(end.since(answer.sent_at.unwrap_or_else(|| self.client.clock.now())))
        };
        let left = life.or_else(left)?;
        asked.checked_add(left)
    }

    fn assertion(&self, assertion: &Assertion) -> anyhow::Result<SecretString> {
        let configured = self.client.configured();
        let random = unknown_password()?;
        let values = Values {
            configured: Some(&configured),
            random: Some(&random),
            ..Values::default()
        };
        let key = configured
            .secrets
            .get(&assertion.key)
            .context("there is no key to sign with")?;
        let signer = Signer::from_pem(key.expose_secret(), assertion.algorithm)
            .with_context(|| format!("reading the private key in `{}`", assertion.key))?;
        let now = self.client.clock.now().ms().div_euclid(1000) - BACKDATED;
        let life = i64::try_from(assertion.life.as_secs()).unwrap_or(i64::MAX);
        let mut claims = Map::from_iter([
            ("iat".to_owned(), Value::from(now)),
            ("exp".to_owned(), Value::from(now.saturating_add(life))),
        ]);
        for (name, shape) in &assertion.claims {
            claims.insert(name.clone(), values.json(shape)?);
        }
        let mut header = json!({"alg": assertion.algorithm.word(), "typ": "JWT"});
        if let Some(kid) = &assertion.kid {
            header["kid"] = values.plain(kid)?.into();
        }
        let token = signer.sign_under(&header, Value::Object(claims).to_string().as_bytes());
        Ok(SecretString::from(token.map_err(|_| anyhow!("the key does not sign"))?))
    }
}

fn token_of(place: &TokenPlace, answer: &Answer) -> Option<String> {
    match place {
        TokenPlace::Header(name) => answer.headers.get(name)?.to_str().ok().map(str::to_owned),
        TokenPlace::Body(place) => place.text(&answer.body),
    }
}
