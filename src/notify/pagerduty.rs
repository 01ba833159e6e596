//! `PagerDuty`'s Events API v2: one event for each alert, under a key that stays the same until it is over.

use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::plain_text::{Writing, short, subject};
use super::post::{address_of, origin_of, post};
use super::{Answer, Carrier, Parcel, Persistence};
use crate::digest::{hex, sha256};
use crate::model::Urgency;
use crate::store::What;
use crate::telemetry::sanitized;

/// An event may weigh no more.
const HEAVIEST: usize = 512 << 10;
const LONGEST_KEY: usize = 255;
const LONGEST_SUMMARY: usize = 1000;

/// Minutes apart, for a day.
const WAITS: &[Duration] = &[
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
];
const DAY: Duration = Duration::from_hours(24);

const PLAIN: Writing = Writing {
    text: |text| sanitized(text, 2000),
    command: |command| command.to_owned(),
    link: |link| link.to_owned(),
};

/// A service of `PagerDuty`.
pub struct PagerDuty {
    /// Where events go.
    pub url: Url,
    /// The integration key of the service.
    pub routing_key: SecretString,
    /// What tells this installation from others.
    pub source: String,
    /// The client.
    pub client: reqwest::Client,
}

impl PagerDuty {
    fn event(&self, parcel: &Parcel, with_details: bool) -> Value {
        let told = &parcel.told;
        let only = told.only();
        let (action, key) = match only {
            Some(only) => (action(only.what), key_of(&only.dedup_key)),
            None => ("trigger", format!("revoked/summary/{}", parcel.uid)),
        };
        let mut event = json!({ "routing_key": self.routing_key.expose_secret(), "event_action": action, "dedup_key": key });
        if action != "trigger" {
            return event;
        }
        let urgency = only.map_or(if told.is_urgent() { Urgency::Urgent } else { Urgency::Routine }, |only| {
            only.urgency
        });
        let severity = match (only.map(|only| only.what), urgency) {
            (Some(What::Trial), _) => "info",
            (_, Urgency::Urgent) => "critical",
            (_, Urgency::Routine) => "warning",
        };
        event["payload"] = json!({
            "summary": short(&subject(told, &PLAIN), LONGEST_SUMMARY),
            "source": self.source,
            "severity": severity,
            "class": only.map_or("summary", |only| only.kind.as_str()),
        });
        if let Some(only) = only {
            event["payload"]["timestamp"] = json!(only.at);
            if let Some(link) = &only.link {
                event["links"] = json!([{ "href": link, "text": "the console" }]);
            }
        }
        if with_details {
            event["payload"]["custom_details"] = json!(told);
        }
        event["client"] = json!("revoked");
        event
    }
}

const fn action(what: What) -> &'static str {
    match what {
        What::Acknowledged => "acknowledge",
        What::Over => "resolve",
        _ => "trigger",
    }
}

/// What is too long for a key stands for itself by its digest.
fn key_of(thread: &str) -> String {
    if thread.len() <= LONGEST_KEY {
        thread.to_owned()
    } else {
        hex(&sha256(thread.as_bytes()))
    }
}

#[async_trait]
impl Carrier for PagerDuty {
    async fn carry(&self, parcel: &Parcel) -> Answer {
        let mut body = self.event(parcel, true).to_string();
        if body.len() > HEAVIEST {
            body = self.event(parcel, false).to_string();
        }
        let reply = match post(&self.client, &self.url, HeaderMap::new(), body.into_bytes(), parcel.now).await {
            Ok(reply) => reply,
            Err(answer) => return answer,
        };
        match reply.status.as_u16() {
            202 => Answer::Taken,
            400 => {
                let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                let errors = said["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let errors: Vec<&str> = errors.take(5).collect();
                reply.failure(&errors.join("; "))
            }
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
}
