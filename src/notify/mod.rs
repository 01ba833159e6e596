//! Notifications on their way: what a message says, and how each kind of channel is told.
//!
//! Which alerts are told, when, and what was already told, is the store's (`store/notifications`); here is what becomes of one delivery.
//! Reading order: [`Channel`] and [`Carrier`] here; `answer`, what an attempt came to, and `told`, what is said, with names or without;
//! `quiet`, hours in which only what is urgent is told. Then a file for each kind: `webhook` (Standard Webhooks) over `signature`, `slack`,
//! `mattermost`, `pagerduty`, `alertmanager`, `smtp`, `exec`; `post` sends what goes over HTTP, `plain_text` puts a message into lines; `trial` tests channels.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{Subject, Timestamp};
use crate::store::{ChannelRules, Gathering, Message};

mod alertmanager;
mod answer;
mod exec;
mod mattermost;
mod pagerduty;
mod plain_text;
mod post;
mod quiet;
mod signature;
mod slack;
mod smtp;
mod told;
mod trial;
mod webhook;

pub use alertmanager::Alertmanager;
pub use answer::{Answer, Persistence};
pub use exec::{EachAlert, Exec};
pub use mattermost::Mattermost;
pub use pagerduty::PagerDuty;
pub use quiet::QuietHours;
pub use signature::SigningKey;
pub use slack::Slack;
pub use smtp::{Security, Smtp, SmtpServer};
pub use told::{Told, ToldAlert};
pub use trial::try_channels;
pub use webhook::Webhook;

/// The kinds of channels that a config may name.
pub const KINDS: [&str; 7] = ["webhook", "smtp", "slack", "mattermost", "pagerduty", "alertmanager", "exec"];

/// One channel.
#[derive(Clone)]
pub struct Channel {
    /// Which alerts it is told of, and when.
    pub rules: ChannelRules,
    /// Whether it may be told names of people.
    pub details: bool,
    /// Whom it reaches, beside the recipients of mail.
    pub reaches: Vec<Subject>,
    /// When it is told only what is urgent.
    pub quiet: Option<QuietHours>,
    /// To whom each delivery goes: one empty text where the channel itself knows.
    pub recipients: Vec<String>,
    /// How messages are put together.
    pub gathering: Gathering,
    /// What brings it there; `None` where a command has read the config without its secrets.
    pub carrier: Option<Arc<dyn Carrier>>,
}

/// What goes to one recipient, in words that it may read.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Its name, the same over all attempts.
    pub uid: String,
    /// To whom; empty where the carrier knows.
    pub recipient: String,
    /// What is said.
    pub told: Told,
    /// The messages as they are in the store, names included: for a program of this host alone.
    pub messages: Vec<Message>,
    /// When it is sent.
    pub now: Timestamp,
}

/// Something that brings a delivery to people.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Brings it. Returns within a bounded time, and says what came of it; never any of a secret.
    async fn carry(&self, parcel: &Parcel) -> Answer;

    /// How long to go on trying.
    fn persistence(&self) -> Persistence;

    /// Where it goes, in words that hold no secret.
    fn place(&self) -> String;

    /// Host and port that a connection goes to, where that can be tried.
    fn address(&self) -> Option<(String, u16)> {
        None
    }

    /// What stands in its way on this host.
    fn obstacle(&self) -> Option<String> {
        None
    }

    /// How often everything that is open is told anew, where the receiver forgets.
    fn refresh_every(&self) -> Option<Duration> {
        None
    }
}
