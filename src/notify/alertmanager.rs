//! Prometheus's Alertmanager: what is open is told again and again, since it forgets what is not repeated.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::post::{address_of, origin_of, post};
use super::slack::{DAY, WAITS};
use super::{Answer, Carrier, Parcel, Persistence, ToldAlert};
use crate::model::Urgency;
use crate::store::What;

/// How often what is open is told again, and for how long each time it counts as open.
const EVERY: Duration = Duration::from_mins(5);
const LASTS: Duration = Duration::from_mins(20);

/// An Alertmanager.
pub struct Alertmanager {
    /// Where alerts are posted.
    pub url: Url,
    /// The whole value of an `Authorization` header.
    pub authorization: Option<SecretString>,
    /// What tells this installation from others.
    pub source: String,
    /// The client.
    pub client: reqwest::Client,
}

impl Alertmanager {
    /// The alert as Alertmanager has it. What it is, is its labels: no number and no time may be among them.
    fn alert(&self, parcel: &Parcel, alert: &ToldAlert) -> Value {
        let ends = if alert.what == What::Over {
            parcel.now
        } else {
            parcel.now.plus(LASTS)
        };
        let object = alert.dedup_key.split_once('/').map_or("", |(_, object)| object);
        let severity = match alert.urgency {
            Urgency::Urgent => "critical",
            Urgency::Routine => "warning",
        };
        let mut told = json!({
            "labels": {
                "alertname": format!("revoked_{}", alert.kind), "kind": alert.kind, "object": object, "severity": severity,
                "instance": self.source,
            },
            "annotations": { "summary": alert.summary, "next": alert.next },
            "startsAt": alert.raised_at,
            "endsAt": ends,
        });
        if let Some(link) = &alert.link {
            told["generatorURL"] = json!(link);
        }
        told
    }
}

#[async_trait]
impl Carrier for Alertmanager {
    async fn carry(&self, parcel: &Parcel) -> Answer {
        let alerts: Vec<Value> = parcel.told.alerts.iter().map(|alert| self.alert(parcel, alert)).collect();
        let mut headers = HeaderMap::new();
        if let Some(secret) = &self.authorization {
            let Ok(mut value) = HeaderValue::from_str(secret.expose_secret()) else {
                return Answer::Refused("the authorization is not one that a header can hold".to_owned());
            };
            value.set_sensitive(true);
            headers.insert(http::header::AUTHORIZATION, value);
        }
        let body = Value::from(alerts).to_string().into_bytes();
        let reply = match post(&self.client, &self.url, headers, body, parcel.now).await {
            Ok(reply) => reply,
            Err(answer) => return answer,
        };
        match reply.status.as_u16() {
            200 => Answer::Taken,
            400 => reply.failure(&reply.text()),
            _ => reply.failure(""),
        }
    }

    fn persistence(&self) -> Persistence {
        Persistence::For(WAITS, DAY)
    }

    fn place(&self) -> String {
        origin_of(&self.url)
    }

    fn address(&self) -> Option<(String, u16)> {
        address_of(&self.url)
    }

    fn refresh_every(&self) -> Option<Duration> {
        Some(EVERY)
    }
}
