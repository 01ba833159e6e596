//! Notifications: what is written when an alert is raised (`messages`, `escalation`), what goes over the wire to each kind of channel
//! (`carriers`, `mail` against `mail_server`), and the built program that tells people (`daemon`, `tip_off`).

mod carriers;
mod daemon;
mod escalation;
mod mail;
mod mail_server;
mod messages;
mod tip_off;

use std::collections::BTreeMap;
use std::time::Duration;

use revoked::model::Timestamp;
use revoked::notify::{Parcel, Told};
use revoked::store::{Alert, Gathering, Message, Sending, What};

use crate::store::{NOW, Place};

impl Place {
    /// Binds what is due on a channel, and gives what is to be sent there.
    async fn due_on(&self, channel: &str) -> Vec<Sending> {
        let to = [String::new()];
        let pace = (Duration::from_secs(30), false);
        self.store
            .bind_messages(channel, Gathering::Together, pace, &to)
            .await
            .unwrap();
        self.store.due_sendings(channel, 10_000).await.unwrap()
    }

    /// The same, each taken: what was told, and in which thread.
    async fn told_on(&self, channel: &str) -> Vec<(What, String)> {
        let mut told = Vec::new();
        loop {
            let due = self.due_on(channel).await;
            if due.is_empty() {
                return told;
            }
            for sending in due {
                told.extend(sending.messages.iter().map(|message| (message.what, message.thread.clone())));
                let taken = revoked::store::SendingOutcome::Taken;
                self.store.record_sending(sending.id, taken).await.unwrap();
            }
        }
    }

    async fn raises(&self, kind: &'static str, key: &str) {
        let summary = "ann@example.org is still in".to_owned();
        self.store.raise_alert(kind, key.to_owned(), summary).await.unwrap();
    }

    async fn ends(&self, kind: &'static str, key: &str) {
        self.store.end_alert(kind, key.to_owned()).await.unwrap();
    }
}

/// An alert about somebody whose name does mischief.
fn alert(kind: &str, key: &str) -> Alert {
    Alert {
        id: 7,
        kind: kind.to_owned(),
        key: key.to_owned(),
        summary: "<!channel> @all **Ann Lee** ann@example.org <https://evil.example|here> is still in".to_owned(),
        case: Some(4),
        subject: Some("email:ann@example.org".to_owned()),
        people: None,
        target: Some("chat".to_owned()),
        next: "revoked case show 4".to_owned(),
        withheld_from: Vec::new(),
        raised_at: NOW,
        last_at: NOW,
        times: 3,
        acknowledged_at: None,
        acknowledged_by: Some("operator:ben(1000)".to_owned()),
        acknowledged_note: None,
        cleared_at: None,
        cleared_by: None,
    }
}

/// A mail about an alert.
pub(crate) fn mail_to(recipient: &str) -> Parcel {
    Parcel {
        recipient: recipient.to_owned(),
        ..parcel(&[(What::Raised, alert("came_back", "job:9"))], false)
    }
}

/// What goes to a channel about these, with names or without.
fn parcel(messages: &[(What, Alert)], details: bool) -> Parcel {
    let mut kinds = BTreeMap::new();
    for (_, alert) in messages {
        *kinds.entry(alert.kind.clone()).or_default() += 1;
    }
    let sending = Sending {
        id: 1,
        uid: "msg_0199aabbccdd".to_owned(),
        recipient: String::new(),
        bundle: 1,
        attempts: 0,
        created_at: NOW,
        messages: messages
            .iter()
            .map(|(what, alert)| Message {
                what: *what,
                thread: format!("{}/{}", alert.kind, alert.key),
                at: NOW,
                alert: Some(alert.clone()),
                note: None,
            })
            .collect(),
        kinds,
    };
    Parcel {
        uid: sending.uid.clone(),
        recipient: String::new(),
        told: Told::of(&sending, details, Some("https://revoked.example.org")),
        messages: sending.messages,
        now: Timestamp::from_ms(1_764_000_000_500),
    }
}
