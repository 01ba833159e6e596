//! Cases under holds as people name them: by numbers, by a range of numbers, by whom they are about.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::cli::UsageError;
use crate::cli::account::quoted;
use crate::cli::whom::Whom;
use crate::store::{CaseFilter, CombinedSet, Store};

/// Some of the cases under a hold, as they were typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SomeCases {
    typed: String,
    meant: Meant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Meant {
    /// This one.
    Number(i64),
    /// Those of them from one number to another.
    Range(i64, i64),
    /// Those about this person.
    About(Whom),
}

impl FromStr for SomeCases {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let range = || {
            let (first, last) = text.split_once('-')?;
            Some((first.trim().parse::<i64>().ok()?, last.trim().parse::<i64>().ok()?))
        };
        let meant = match (text.parse(), range()) {
            (Ok(number), _) => Meant::Number(number),
            (Err(_), Some((first, last))) if first <= last => Meant::Range(first, last),
            (Err(_), Some((first, last))) => return Err(format!("write the lower number first: {last}-{first}")),
            (Err(_), None) => match text.parse::<Whom>() {
                Ok(Whom::OfCase(number)) => Meant::Number(number),
                Ok(whom) => Meant::About(whom),
                Err(error) => {
                    return Err(format!(
                        "write numbers of cases, which revoked hold show lists (17, or 27-52), or whom they are about: {error}"
                    ));
                }
            },
        };
        Ok(Self {
            typed: text.to_owned(),
            meant,
        })
    }
}

/// The cases that are named, of those that wait under these holds.
///
/// # Errors
/// With exit code 2 where what was named means none of them.
pub(super) async fn meant(store: &Store, held: &CombinedSet, named: &[SomeCases]) -> anyhow::Result<BTreeSet<i64>> {
    let waiting: BTreeSet<i64> = held.cases.iter().map(|case| case.case).collect();
    let mut all = BTreeSet::new();
    for some in named {
        let found: BTreeSet<i64> = match &some.meant {
            Meant::Number(number) => waiting.get(number).into_iter().copied().collect(),
            Meant::Range(first, last) => waiting.range(first..=last).copied().collect(),
            Meant::About(whom) => {
                let subject = whom.person(store).await?;
                let about = CaseFilter {
                    states: vec!["held".to_owned()],
                    subject_refs: Some(store.references(&subject).await?),
                    limit: u32::MAX,
                    ..CaseFilter::default()
                };
                let about = store.find_cases(&about).await?;
                about
                    .iter()
                    .map(|case| case.id)
                    .filter(|case| waiting.contains(case))
                    .collect()
            }
        };
        if found.is_empty() {
            let what = match &some.meant {
                Meant::Number(number) => format!("case {number} does not wait"),
                Meant::Range(..) => format!("no case of {} waits", some.typed),
                Meant::About(_) => format!("no case about {} waits", some.typed),
            };
            let holds: Vec<String> = held.holds.iter().map(|hold| hold.id.to_string()).collect();
            return Err(UsageError(format!(
                "{what} under {}; look again with revoked hold show {}",
                named_holds(&holds),
                holds.join(" ")
            ))
            .into());
        }
        all.extend(found);
    }
    Ok(all)
}

fn named_holds(numbers: &[String]) -> String {
    match numbers {
        [only] => format!("hold {only}"),
        several => format!("holds {}", several.join(", ")),
    }
}

/// What was typed, to be typed again.
pub(super) fn typed(named: &[SomeCases]) -> String {
    let words: Vec<String> = named.iter().map(|some| quoted(&some.typed)).collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ranges_and_names_are_told_apart() {
        let read = |text: &str| text.parse::<SomeCases>().map(|some| some.meant);
        assert_eq!(read("17"), Ok(Meant::Number(17)));
        assert_eq!(read("case:17"), Ok(Meant::Number(17)));
        assert_eq!(read("27-52"), Ok(Meant::Range(27, 52)));
        assert!(read("52-27").unwrap_err().contains("27-52"));
        assert!(matches!(read("user01@example.test"), Ok(Meant::About(_))));
        assert!(matches!(read("anna-maria"), Ok(Meant::About(Whom::Bare(_)))));
        assert!(read("odd:name").unwrap_err().contains("write numbers of cases"));
    }
}
