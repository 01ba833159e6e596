//! Standard Webhooks 1.0: JSON, signed, with an id that stays the same over all attempts.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::post::{address_of, origin_of, post};
use super::{Answer, Carrier, Parcel, Persistence, SigningKey};

/// The waits that the specification suggests; the first attempt waits for nothing.
const WAITS: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// Somebody who takes webhooks.
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// Whether the address is a secret, so that not even its host is shown.
    pub is_secret: bool,
    /// The keys, each of which signs: two while one replaces the other.
    pub keys: Vec<SigningKey>,
    /// The whole value of an `Authorization` header.
    pub authorization: Option<SecretString>,
    /// The client, which follows no redirect.
    pub client: reqwest::Client,
}

impl Webhook {
    fn headers(&self, parcel: &Parcel, body: &[u8]) -> Option<HeaderMap> {
        let seconds = parcel.now.ms().div_euclid(1000);
        let signatures: Vec<String> = self.keys.iter().map(|key| key.sign(&parcel.uid, seconds, body)).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("webhook-id", parcel.uid.clone()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signatures.join(" ")),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?);
        }
        if let Some(secret) = &self.authorization {
            let mut value = HeaderValue::from_str(secret.expose_secret()).ok()?;
            value.set_sensitive(true);
            headers.insert(http::header::AUTHORIZATION, value);
        }
        Some(headers)
    }
}

#[async_trait]
impl Carrier for Webhook {
    async fn carry(&self, parcel: &Parcel) -> Answer {
        let body = json!({ "type": parcel.told.type_word(), "timestamp": parcel.now, "data": parcel.told })
            .to_string()
            .into_bytes();
        let Some(headers) = self.headers(parcel, &body) else {
            return Answer::Refused("the authorization is not one that a header can hold".to_owned());
        };
        let reply = match post(&self.client, &self.url, headers, body, parcel.now).await {
            Ok(reply) => reply,
            Err(answer) => return answer,
        };
        match reply.status.as_u16() {
            200..=299 => Answer::Taken,
            410 => Answer::Gone("it answered 410: nobody wants webhooks there any more".to_owned()),
            // Every other answer may be a fault of the moment, a redirect or a refusal too: the specification has them tried again.
            _ => match reply.failure("") {
                Answer::Refused(why) => Answer::Later(why, None),
                other => other,
            },
        }
    }

    fn persistence(&self) -> Persistence {
        Persistence::Waits(WAITS)
    }

    fn place(&self) -> String {
        if self.is_secret {
            "at an address that is a secret".to_owned()
        } else {
            origin_of(&self.url)
        }
    }

    fn address(&self) -> Option<(String, u16)> {
        address_of(&self.url)
    }
}
