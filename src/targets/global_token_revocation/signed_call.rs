//! The call: a short-lived token that says who calls, and the identifier that says whom to log out.

use std::time::Duration;

use anyhow::Context as _;
use http::HeaderValue;
use reqwest::Url;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::jose::{Algorithm, Signer};
use crate::model::{Subject, Timestamp};

/// How long a token is good for, which is what Okta's are.
const LIFE: Duration = Duration::from_mins(5);

/// How people are named to the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SubjectForm {
    /// By their address.
    Email,
    /// By an issuer's name for them.
    IssSub,
    /// By the application's own id.
    Opaque,
}

/// What a call is made of.
pub(super) struct SignedCall {
    pub(super) url: Url,
    /// The endpoint as it was written: `aud` is compared byte for byte.
    pub(super) audience: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) signer: Signer,
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) form: SubjectForm,
    /// Whose names go into subjects of the form issuer and name.
    pub(super) subject_issuer: String,
}

impl SignedCall {
    /// The identifier (RFC 9493) of somebody; `None` where the endpoint takes no name of this form.
    pub(super) fn sub_id(&self, name: &Subject) -> Option<Value> {
        match (self.form, name) {
            (SubjectForm::Email, Subject::Email(email)) => Some(by_email(email)),
            (SubjectForm::Opaque, Subject::Opaque(id)) => Some(by_id(id)),
            (SubjectForm::IssSub, Subject::IssSub { iss, sub }) => (*iss == self.subject_issuer).then(|| by_issuer(iss, sub)),
            _ => None,
        }
    }

    /// The identifier of somebody who cannot be there.
    pub(super) fn nobody(&self) -> Value {
        let random = Uuid::now_v7().simple().to_string();
        match self.form {
            SubjectForm::Email => by_email(&format!("{random}@revoked.invalid")),
            SubjectForm::Opaque => by_id(&random),
            SubjectForm::IssSub => by_issuer(&self.subject_issuer, &random),
        }
    }

    /// The header that proves who calls.
    pub(super) fn authorization(&self, now: Timestamp) -> anyhow::Result<HeaderValue> {
        let issued = now.ms().div_euclid(1000);
        let mut header = json!({ "typ": "global-token-revocation+jwt", "alg": self.algorithm.word() });
        if let Some(key_id) = &self.key_id {
            header["kid"] = key_id.as_str().into();
        }
        let claims = json!({
            "iss": self.issuer,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": Uuid::now_v7().to_string(),
            "iat": issued,
            "exp": issued + i64::try_from(LIFE.as_secs()).unwrap_or(300),
        });
        let token = self
            .signer
            .sign_under(&header, claims.to_string().as_bytes())
            .context("signing the call")?;
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).context("signing the call")?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn by_email(email: &str) -> Value {
    json!({ "format": "email", "email": email })
}

fn by_id(id: &str) -> Value {
    json!({ "format": "opaque", "id": id })
}

fn by_issuer(iss: &str, sub: &str) -> Value {
    json!({ "format": "iss_sub", "iss": iss, "sub": sub })
}
