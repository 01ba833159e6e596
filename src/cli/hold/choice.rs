//! Which holds are meant, and which of their cases are not.

use clap::Args;

use crate::cli::UsageError;
use crate::store::{HoldChoice, Store};

/// Which cases are meant.
#[derive(Debug, Clone, Args)]
pub struct ChoiceArgs {
    /// The numbers of the holds
    #[arg(required_unless_present = "all_of", value_name = "HOLD")]
    holds: Vec<i64>,
    /// All open holds of this source, as one decision
    #[arg(long, value_name = "SOURCE", conflicts_with = "holds")]
    all_of: Option<String>,
    /// Cases under them that are taken out: they stay held
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    except: Vec<i64>,
}

impl ChoiceArgs {
    /// Whether all that waits of a source is meant, without numbers: what that is has to be shown first.
    pub(super) const fn is_of_a_source(&self) -> bool {
        self.all_of.is_some()
    }

    /// The holds that are meant.
    pub(super) async fn read(self, store: &Store) -> anyhow::Result<HoldChoice> {
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
        Ok(HoldChoice {
            holds,
            except: self.except,
        })
    }
}
