//! Policy and playbooks: from what is written to what each playbook demands at each target.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::Diagnostics;
use super::bounds::{Bound, DeliveryBound, ShareBound};
use super::entries::{SourceLimits, SourcePolicy};
use super::file::{self, End, File};
use super::names::{domain, subject};
use crate::model::{Containment, GrantKind, Reason};
use crate::policy::{self, Ambiguous, BUILT_IN, Group, INBOX, Limits, Playbook, Policy, Protected, Share, SourceRules};
use crate::settings::nearest;

/// The policy of a file, for these targets and what sources have of their own.
pub(super) fn policy(
    file: &File,
    targets: &[String],
    sources: &BTreeMap<String, SourcePolicy>,
    groups: Vec<Group>,
    found: &mut Diagnostics,
) -> Policy {
    let written = &file.policy;
    let fallback = Policy::default();
    let protected: Vec<_> = written
        .protected
        .iter()
        .filter_map(|text| subject("protected", text, found))
        .collect();
    let general = SourceLimits {
        departures_per_delivery: written.departures_per_delivery,
        departures_per_hour: written.departures_per_hour,
        departures_share: written.departures_share,
        compromises_per_minute: written.compromises_per_minute,
        compromises_share: written.compromises_share,
        compromises_per_operator: None,
    };
    let playbooks = playbooks(&file.playbook, targets, found);
    let rules = sources
        .iter()
        .map(|(source, own)| (source.clone(), own.rules.checked(source, &playbooks, found)))
        .filter(|(_, rules)| *rules != SourceRules::default())
        .collect();
    let limits = sources.iter().map(|(source, own)| {
        let start = if source == INBOX {
            // What guards against a bad feed stays off for operators, unless their own table sets it.
            SourceLimits {
                compromises_per_minute: general.compromises_per_minute,
                compromises_share: general.compromises_share,
                ..SourceLimits::default()
            }
            .over(Limits::operators())
        } else {
            general.over(Limits::default())
        };
        (source.clone(), own.limits.over(start))
    });
    Policy {
        playbooks,
        groups,
        sources: rules,
        protected: protected.into_iter().collect::<Protected>(),
        limits: limits.collect(),
        ambiguous: match written.ambiguous {
            Some(file::Ambiguous::All) => Ambiguous::All,
            Some(file::Ambiguous::Hold) | None => Ambiguous::Hold,
        },
        old_signal: written.old_signal.map_or(fallback.old_signal, |period| period.0),
        email_domains: written
            .email_domains
            .iter()
            .filter_map(|text| domain("email_domains", text, found))
            .collect(),
        // Which these are stands with the targets.
        identity_providers: BTreeSet::new(),
    }
}

impl SourceLimits {
    /// These limits over others.
    fn over(&self, limits: Limits) -> Limits {
        let pick = |own: Option<Bound>, other: Option<usize>| own.map_or(other, |Bound(limit)| limit);
        let share = |own: Option<ShareBound>, other: Option<Share>| own.map_or(other, |ShareBound(share)| share);
        let (departures_per_delivery, delivery_share) = match self.departures_per_delivery {
            None => (limits.departures_per_delivery, limits.delivery_share),
            Some(DeliveryBound::Count(Bound(count))) => (count, None),
            Some(DeliveryBound::Share(share)) => (None, Some(share)),
        };
        Limits {
            departures_per_delivery,
            delivery_share,
            departures_per_hour: pick(self.departures_per_hour, limits.departures_per_hour),
            departures_share: share(self.departures_share, limits.departures_share),
            compromises_per_minute: pick(self.compromises_per_minute, limits.compromises_per_minute),
            compromises_share: share(self.compromises_share, limits.compromises_share),
            compromises_per_operator: pick(self.compromises_per_operator, limits.compromises_per_operator),
            ..limits
        }
    }
}

/// An hour, in seconds: what is shorter is a time for `watch`.
const SHORTEST_KEEP_OUT: u64 = 3600;

type Written = BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, file::Playbook>>;

/// Every playbook applies to every target: with what it demands by default, or with what its table for that target changes of it.
fn playbooks(written: &Written, targets: &[String], found: &mut Diagnostics) -> BTreeMap<String, Playbook> {
    let mut playbooks = BTreeMap::new();
    let built_in = BUILT_IN.iter().map(|reason| reason.word().to_owned());
    let names: BTreeSet<String> = built_in.chain(written.keys().map(|name| name.get_ref().clone())).collect();
    for (name, tables) in written {
        if let Some(message) = bad_name(name.get_ref()) {
            found.complain(name.span(), message);
        }
        for (target, table) in tables.iter().filter(|(target, _)| !targets.contains(target.get_ref())) {
            let known = targets.iter().map(String::as_str);
            let message = match nearest(target.get_ref(), known) {
                Some(meant) => format!("no target is called `{}`; did you mean `{meant}`?", target.get_ref()),
                None => format!("no target is called `{}`", target.get_ref()),
            };
            found.complain(target.span(), message);
            // What its keys say is looked at all the same.
            changed(policy::built_in(name.get_ref()), table, found);
        }
    }
    for name in names {
        let tables = written
            .iter()
            .find(|(written, _)| *written.get_ref() == name)
            .map(|(_, tables)| tables);
        let mut playbook = Playbook::new();
        for target in targets {
            let table = tables.and_then(|tables| tables.iter().find(|(written, _)| written.get_ref() == target));
            let containment = match table {
                Some((_, table)) => changed(policy::built_in(&name), table, found),
                None => policy::built_in(&name),
            };
            if !policy::demands_nothing(&containment) {
                playbook.insert(target.clone(), containment);
            }
        }
        if playbook.is_empty() && !targets.is_empty() {
            found.warn(format!(
                "the playbook {name} demands nothing at any target: signals that follow it are only kept"
            ));
        }
        playbooks.insert(name, playbook);
    }
    playbooks
}

/// What is wrong with a playbook's name. A slip of the finger in a reason would make a playbook that no signal ever follows.
fn bad_name(name: &str) -> Option<String> {
    let reasons = Reason::ALL.into_iter().map(Reason::word);
    match Reason::from_word(name) {
        Some(Reason::Reactivated | Reason::Noted) => Some(format!(
            "nothing ever follows from the reason `{name}`; it can have no playbook"
        )),
        Some(_) => None,
        None => match nearest(name, reasons) {
            Some(meant) => Some(format!(
                "no reason is called `{name}`; did you mean `{meant}`? (a playbook of your own needs another name)"
            )),
            None => super::entries::bad_name(name),
        },
    }
}

/// A containment with the keys of a table in the place of its own.
fn changed(mut containment: Containment, table: &file::Playbook, found: &mut Diagnostics) -> Containment {
    if let Some(written) = &table.end {
        containment.end = end(written, found);
    }
    containment.block = table.block.unwrap_or(containment.block);
    containment.reset_password = table.reset_password.unwrap_or(containment.reset_password);
    if let Some(written) = &table.keep_out {
        let seconds = written.get_ref().0.as_secs();
        if seconds < SHORTEST_KEEP_OUT {
            found.complain(
                written.span(),
                "keep_out: it must be at least 1h; leave it out for no more than the times of `watch`",
            );
        }
        containment.keep_out = Some(seconds);
    }
    containment.disable_tokens = table.disable_tokens.unwrap_or(containment.disable_tokens);
    if let Some(watch) = &table.watch {
        let seconds: Vec<u64> = watch.get_ref().iter().map(|period| period.0.as_secs()).collect();
        if seconds.first().is_some_and(|first| *first == 0) || !seconds.is_sorted_by(|one, next| one < next) {
            found.complain(
                watch.span(),
                "watch: the times must be at least 1s and each later than the one before",
            );
        }
        containment.watch = seconds;
    }
    containment
}

/// The kinds that `end` names, by group or by kind.
fn end(written: &Spanned<End>, found: &mut Diagnostics) -> BTreeSet<GrantKind> {
    const WHOLE: &str = "everything";
    let kind = |word: &str| GrantKind::ALL.into_iter().find(|kind| kind.word() == word);
    match written.get_ref() {
        End::Word(word) if word == WHOLE => GrantKind::ALL.into(),
        End::Word(_) => {
            found.complain(
                written.span(),
                "end: write \"everything\", or a list such as [\"sessions\", \"tokens\"]",
            );
            BTreeSet::new()
        }
        End::List(words) => {
            let mut kinds = BTreeSet::new();
            for word in words {
                let named = word.get_ref().as_str();
                if let Some(group) = GrantKind::group(named) {
                    kinds.extend(group);
                } else if let Some(kind) = kind(named) {
                    kinds.insert(kind);
                } else {
                    let groups = GrantKind::GROUPS.iter().map(|(name, _)| *name);
                    let known: Vec<&str> = groups.chain(GrantKind::ALL.iter().map(|kind| kind.word())).collect();
                    let message = match nearest(named, known.iter().copied()) {
                        Some(meant) => format!("end: no kind of grant is called {named:?}; did you mean {meant:?}?"),
                        None => format!("end: no kind of grant is called {named:?}; there are {}", known.join(", ")),
                    };
                    found.complain(word.span(), message);
                }
            }
            kinds
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_playbooks_that_the_example_shows_are_those_that_hold() {
        let lines = super::super::EXAMPLE.lines().filter_map(|line| line.strip_prefix("#     "));
        let text: Vec<&str> = lines
            .skip_while(|line| !line.starts_with("[playbook."))
            .take_while(|line| !line.starts_with("[transmitter]"))
            .collect();
        let text = text.join("\n");
        let table = toml::de::DeTable::parse(&text).unwrap();
        let file: File = crate::settings::read(table).unwrap();
        let mut found = Diagnostics::default();
        let shown = playbooks(&file.playbook, &["chat".to_owned()], &mut found);
        assert!(found.errors.is_empty() && found.warnings.is_empty(), "{found:?}");
        let written: Vec<&str> = file.playbook.keys().map(|name| name.get_ref().as_str()).collect();
        assert_eq!(written.len(), BUILT_IN.len());
        assert_eq!(shown, Policy::standard(&["chat"]).playbooks);
        let whole = |table: &file::Playbook| {
            [table.block, table.disable_tokens].iter().all(Option::is_some)
                && table.reset_password.is_some()
                && table.end.is_some()
                && table.watch.is_some()
        };
        assert!(
            file.playbook.values().flat_map(BTreeMap::values).all(whole),
            "every key is shown"
        );
    }

    fn built(text: &str) -> (BTreeMap<String, Playbook>, Diagnostics) {
        let file: File = crate::settings::read(toml::de::DeTable::parse(text).unwrap()).unwrap();
        let mut found = Diagnostics::default();
        let playbooks = playbooks(&file.playbook, &["chat".to_owned(), "wiki".to_owned()], &mut found);
        (playbooks, found)
    }

    #[test]
    fn a_table_changes_only_the_keys_and_the_target_that_it_names() {
        let (playbooks, found) = built("[playbook.departed.chat]\nend = ['sessions', 'bot']\nwatch = ['90s']\n");
        assert!(found.errors.is_empty());
        let chat = &playbooks["departed"]["chat"];
        assert_eq!(chat.end, [GrantKind::Session, GrantKind::Connection, GrantKind::Bot].into());
        assert!(chat.block, "it is not named, so it stays");
        assert_eq!(chat.watch, [90]);
        assert_eq!(playbooks["departed"]["wiki"], policy::built_in("departed"));
    }

    #[test]
    fn a_target_at_which_nothing_is_demanded_is_left_out() {
        let (playbooks, found) =
            built("[playbook.logout.chat]\nend = []\n[playbook.logout.wiki]\nend = []\n[playbook.departed.chat]\nend = []\n");
        assert!(playbooks["logout"].is_empty());
        assert_eq!(playbooks["departed"].len(), 2, "it still blocks");
        assert_eq!(found.warnings.len(), 1, "{found:?}");
    }

    #[test]
    fn a_playbook_of_ones_own_starts_like_compromised() {
        let (playbooks, found) = built("[playbook.lock-down.chat]\nblock = true\n");
        assert!(found.errors.is_empty(), "{found:?}");
        assert_eq!(
            playbooks["lock-down"]["chat"],
            Containment {
                block: true,
                ..policy::built_in("compromised")
            }
        );
        assert_eq!(playbooks["lock-down"]["wiki"], policy::built_in("compromised"));
    }

    #[test]
    fn a_reason_from_which_nothing_follows_can_have_no_playbook() {
        for name in ["noted", "reactivated", "compromized", "Departed", "-x"] {
            let (_, found) = built(&format!("[playbook.{name}.chat]\nblock = true\n"));
            assert_eq!(found.errors.len(), 1, "{name}");
        }
    }
}
