//! Which alerts are meant: by numbers, by a range of numbers, by their kind.

use std::collections::BTreeSet;
use std::str::FromStr;

use clap::Args;

use crate::cli::{UsageError, number};
use crate::store::Store;

/// Which alerts are meant.
#[derive(Debug, Clone, Args)]
pub struct MeantAlerts {
    /// The alerts' numbers, or ranges of them (5-39): of a range, those that are open
    #[arg(required_unless_present = "kind", value_name = "ALERT")]
    alerts: Vec<AlertNumbers>,
    /// Only those of this kind; without a number, all of it
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

/// A number, or those from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AlertNumbers {
    first: i64,
    last: i64,
}

impl FromStr for AlertNumbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = match text.split_once('-') {
            Some((first, last)) if !first.is_empty() => (number::alert(first)?, number::alert(last)?),
            _ => (number::alert(text)?, number::alert(text)?),
        };
        if first > last {
            return Err(format!("write the lower number first: {last}-{first}"));
        }
        Ok(Self { first, last })
    }
}

impl MeantAlerts {
    /// The numbers of those that are meant. A number that is written alone is meant whether it is open or not; with `needing`, of the others
    /// only those that need somebody.
    ///
    /// # Errors
    /// With exit code 2 where none is meant.
    pub(super) async fn read(&self, store: &Store, needing: bool) -> anyhow::Result<Vec<i64>> {
        let everything = [AlertNumbers {
            first: 0,
            last: i64::MAX,
        }];
        let ranges = if self.alerts.is_empty() {
            &everything[..]
        } else {
            &self.alerts
        };
        let mut meant = BTreeSet::new();
        for range in ranges {
            if range.first == range.last && self.kind.is_none() {
                meant.insert(range.first);
                continue;
            }
            let among = (range.first, range.last);
            meant.extend(store.open_alerts_among(among, self.kind.as_deref(), needing).await?);
        }
        if meant.is_empty() {
            let kind = self
                .kind
                .as_ref()
                .map_or(String::new(), |kind| format!(" of the kind {kind}"));
            return Err(UsageError(format!(
                "none of them is an open alert{kind} that needs somebody; look again with revoked alert list"
            ))
            .into());
        }
        Ok(meant.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_told_apart() {
        let read = |text: &str| text.parse::<AlertNumbers>().map(|numbers| (numbers.first, numbers.last));
        assert_eq!(read("7"), Ok((7, 7)));
        assert_eq!(read("5-39"), Ok((5, 39)));
        assert!(read("39-5").unwrap_err().contains("5-39"));
        assert!(read("chat").unwrap_err().contains("revoked alert list shows"));
    }
}
