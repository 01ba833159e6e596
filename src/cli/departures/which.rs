//! Which departure is meant: by its number, or by whose it is.

use std::str::FromStr;

use super::waits;
use crate::cli::UsageError;
use crate::cli::output::plain;
use crate::cli::whom::Whom;
use crate::store::{DepartureFilter, DepartureView, Store};

/// A departure, as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichDeparture {
    /// This one.
    Number(i64),
    /// The one of this person.
    Of(Whom),
}

impl FromStr for WhichDeparture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.trim().parse() {
            return Ok(Self::Number(number));
        }
        text.parse().map(Self::Of).map_err(|error| {
            format!("a departure is meant by its number, which revoked departures list shows, or by whose it is; that is no name: {error}")
        })
    }
}

impl WhichDeparture {
    /// The number of the departure that is meant: the one that waits, or else the only one there was.
    ///
    /// # Errors
    /// With exit code 2 where there is none, or several.
    pub(super) async fn number(&self, store: &Store) -> anyhow::Result<i64> {
        let whom = match self {
            Self::Number(number) => return Ok(*number),
            Self::Of(whom) => whom,
        };
        let subject = whom.person(store).await?;
        let filter = DepartureFilter {
            person: Some(subject.clone()),
            limit: u32::MAX,
            ..DepartureFilter::default()
        };
        let all = store.departures(&filter).await?;
        let (waiting, over): (Vec<&DepartureView>, Vec<&DepartureView>) = all.iter().partition(|departure| waits(departure));
        let meant = if waiting.is_empty() { over } else { waiting };
        let who = plain(&subject.to_string());
        let refused = match meant.as_slice() {
            [only] => return Ok(only.id),
            [] => format!("no departure of {who} is known; see revoked departures list"),
            several => {
                let numbers = several
                    .iter()
                    .map(|departure| format!("{} ({}, source {})", departure.id, departure.state, plain(&departure.source)));
                let numbers: Vec<String> = numbers.collect();
                format!(
                    "{who} has several departures: {}; write the number of one",
                    numbers.join(", ")
                )
            }
        };
        Err(UsageError(refused).into())
    }
}
