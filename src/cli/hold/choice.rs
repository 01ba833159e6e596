//! Which holds are meant, and which of their cases are not.

use std::collections::BTreeSet;

use clap::Args;

use super::cases::{SomeCases, meant, typed};
use crate::cli::account::quoted;
use crate::cli::{UsageError, number};
use crate::store::{CombinedSet, HoldChoice, Store};

/// Which cases are meant.
#[derive(Debug, Clone, Args)]
pub struct ChoiceArgs {
    /// The numbers of the holds
    #[arg(required_unless_present = "all_of", value_name = "HOLD", value_parser = number::hold)]
    holds: Vec<i64>,
    /// All open holds of this source, as one decision
    #[arg(long, value_name = "SOURCE", conflicts_with = "holds")]
    all_of: Option<String>,
    /// Cases under them that are taken out, and stay held: 17,27-52, or whom they are about
    #[arg(long, value_name = "CASES", value_delimiter = ',')]
    except: Vec<SomeCases>,
    /// Only these of the cases under them; the others stay held
    #[arg(long, value_name = "CASES", value_delimiter = ',', conflicts_with = "except")]
    only: Vec<SomeCases>,
}

/// Which cases are meant, and in which words.
#[derive(Debug)]
pub(super) struct Choice {
    /// What is decided about.
    pub(super) meant: HoldChoice,
    /// The same as it was typed, to be typed again behind a command.
    pub(super) typed: String,
    /// Whether all that waits of a source is meant, without numbers: what that is has to be shown first.
    pub(super) is_of_a_source: bool,
}

impl Choice {
    /// What is decided about, as it is now.
    ///
    /// # Errors
    /// Where the store cannot be read, or nothing is left of it.
    pub(super) async fn held(&self, store: &Store) -> anyhow::Result<CombinedSet> {
        Ok(store.held_together(&self.meant.holds, &self.meant.except).await?)
    }
}

impl ChoiceArgs {
    /// What is meant.
    ///
    /// # Errors
    /// Where the holds do not exist, or cases are named that do not wait under them.
    pub(super) async fn read(self, store: &Store) -> anyhow::Result<Choice> {
        let typed = self.typed();
        let is_of_a_source = self.all_of.is_some();
        let holds = match self.all_of {
            None => self.holds,
            Some(source) => {
                let open = store.holds(false).await?;
                let numbers: Vec<i64> = open.iter().filter(|hold| hold.source == source).map(|hold| hold.id).collect();
                if numbers.is_empty() {
                    return Err(UsageError(format!(
                        "nothing of source {source} waits for a decision; see revoked hold list"
                    ))
                    .into());
                }
                numbers
            }
        };
        let mut except = Vec::new();
        if !(self.except.is_empty() && self.only.is_empty()) {
            let held = store.held_together(&holds, &[]).await?;
            let named: BTreeSet<i64> = meant(store, &held, if self.only.is_empty() { &self.except } else { &self.only }).await?;
            let waiting = held.cases.iter().map(|case| case.case);
            // Those that stay held, whichever of the two were named.
            except = waiting.filter(|case| named.contains(case) == self.only.is_empty()).collect();
        }
        Ok(Choice {
            meant: HoldChoice { holds, except },
            typed,
            is_of_a_source,
        })
    }

    fn typed(&self) -> String {
        let mut words: Vec<String> = self.holds.iter().map(i64::to_string).collect();
        words.extend(self.all_of.iter().map(|source| format!("--all-of {}", quoted(source))));
        for (flag, cases) in [("--except", &self.except), ("--only", &self.only)] {
            if !cases.is_empty() {
                words.push(format!("{flag} {}", typed(cases)));
            }
        }
        words.join(" ")
    }
}
