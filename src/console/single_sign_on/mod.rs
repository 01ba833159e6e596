//! Operators who sign in at an OpenID provider, and tokens that it gives them for the API: its groups decide what they may do.
//!
//! `attempt` is one browser on its way to the provider and back; `provider` what is asked of it; `claims` what a signed token must say; `who` makes an
//! operator with a role of it; `refused` why not; `probe` what `revoked check` finds. Signatures and keys are `crate::jose`'s.

mod attempt;
mod claims;
mod probe;
mod provider;
mod refused;
mod who;

use http::HeaderValue;
use serde::Deserialize;

use crate::config::SingleSignOnSettings;
use crate::jose::{Algorithm, Compact, HeaderRules, JwksCache};
use crate::model::{Actor, Role, Timestamp};

pub(super) use attempt::Attempt;
pub use probe::probe;
pub(super) use refused::Refused;

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 32 << 10;

/// The way by an OpenID provider.
pub(super) struct SingleSignOn {
    pub(super) settings: SingleSignOnSettings,
    keys: JwksCache,
    descriptions: provider::Descriptions,
}

/// Whoever the provider vouches for.
pub(super) struct Vouched {
    pub(super) operator: Actor,
    pub(super) role: Role,
}

/// With what the provider sends a browser back.
#[derive(Deserialize)]
pub(super) struct Returned {
    pub(super) state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl SingleSignOn {
    pub(super) fn new(settings: SingleSignOnSettings) -> Self {
        Self {
            keys: JwksCache::new(settings.keys.clone()),
            descriptions: provider::Descriptions::default(),
            settings,
        }
    }

    /// Where a browser goes to sign in, and what it keeps until it comes back.
    pub(super) async fn begin(&self) -> Result<(HeaderValue, Attempt), Refused> {
        let description = self.descriptions.now(&self.settings).await?;
        let attempt = Attempt::draw().map_err(|error| Refused::unasked(&error))?;
        let mut url = description.authorization;
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.settings.redirect_uri),
            ("scope", &self.settings.scopes),
            ("state", &attempt.state()),
            ("nonce", &attempt.nonce()),
            ("code_challenge", &attempt.challenge()),
            ("code_challenge_method", "S256"),
        ]);
        let place = HeaderValue::from_str(url.as_str());
        let place = place.map_err(|_| Refused::unbelieved("the provider's authorization_endpoint is no address"))?;
        Ok((place, attempt))
    }

    /// Who comes back with the browser that went.
    pub(super) async fn finish(&self, returned: &Returned, attempt: &Attempt, now: Timestamp) -> Result<Vouched, Refused> {
        let description = self.descriptions.now(&self.settings).await?;
        let is_another = match &returned.iss {
            Some(issuer) => *issuer != self.settings.issuer,
            None => description.says_issuer,
        };
        if is_another {
            return Err(Refused::unbelieved("another provider has sent the browser back (iss)"));
        }
        if let Some(error) = &returned.error {
            let more = returned.error_description.as_deref().map(provider::cut);
            let more = more.map_or_else(String::new, |more| format!(" ({more})"));
            return Err(Refused::unbelieved(format!(
                "the provider says {}{more}",
                provider::cut(error)
            )));
        }
        let code = returned.code.as_deref().filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| Refused::unbelieved("the provider sends no code"))?;
        let tokens = provider::exchange(&self.settings, &description, code, attempt).await?;
        let (token, algorithm) = self.verified(tokens.id_token.as_bytes(), "JWT").await?;
        claims::proves_sign_in(&token.claims, &self.settings.client_id, &attempt.nonce(), now)?;
        claims::speaks_of(&token.claims, algorithm, tokens.access_token.as_deref())?;
        self.vouched(&token)
    }

    /// Whose access token that is. `None` where none is taken.
    pub(super) async fn bearer(&self, token: &[u8], now: Timestamp) -> Option<Result<Vouched, Refused>> {
        let audience = self.settings.audience.as_deref()?;
        let judged = async {
            let (token, _) = self.verified(token, "at+jwt").await?;
            claims::gives_leave(&token.claims, audience, &self.settings.client_id, now)?;
            self.vouched(&token)
        };
        Some(judged.await)
    }

    /// A token of the provider's. Nothing else of its claims is checked.
    async fn verified<'t>(&self, token: &'t [u8], typ: &'static str) -> Result<(Compact<'t>, Algorithm), Refused> {
        if token.len() > LONGEST_TOKEN {
            return Err(Refused::unbelieved("the token is longer than any is"));
        }
        let token = Compact::read(token)?;
        let (algorithm, kid) = token.check_header(&HeaderRules {
            algorithms: &self.settings.algorithms,
            typ,
            untyped: true,
            kid_optional: true,
        })?;
        if token.claims.get("iss").and_then(serde_json::Value::as_str) != Some(&self.settings.issuer) {
            return Err(Refused::unbelieved("it is of another issuer (iss)"));
        }
        let key = self.keys.find(kid, algorithm).await?;
        key.verify(&token, algorithm)?;
        Ok((token, algorithm))
    }

    fn vouched(&self, token: &Compact<'_>) -> Result<Vouched, Refused> {
        let subject = claims::subject(&token.claims)?;
        let operator = who::operator(&self.settings, &token.claims, subject);
        let Some(role) = who::role(&self.settings, &token.claims) else {
            tracing::warn!(%operator, "whoever the OpenID provider vouches for has no group with a role");
            return Err(Refused::NoRole);
        };
        Ok(Vouched { operator, role })
    }
}
