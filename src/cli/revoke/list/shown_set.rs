//! What a list would do, as it is shown before it is confirmed: how many people, who of them waits for a decision, and the hash of it all.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::cli::StoreArgs;
use crate::cli::output::{LocalTimes, Meaning, answer, line, plain};
use crate::cli::revoke::RevokeArgs;
use crate::cli::store::operator;
use crate::clock::Clock;
use crate::config::Config;
use crate::intake::PeopleList;
use crate::model::{Reason, Signal, Subject, Timestamp};
use crate::policy::{Class, INBOX};
use crate::store::{AskedOfSet, CaseFilter, Store};

/// How many people are named where a line counts some of them.
const NAMED: usize = 5;

/// A list as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct ShownSet {
    /// SHA-256 over what is asked for whom, first 16 hex digits.
    pub(super) set: String,
    /// Whom it is about.
    pub(super) people: Vec<Subject>,
    /// How many lines name somebody who stands above, by the same name or another that is known of them.
    again: usize,
    /// The playbook.
    playbook: String,
    /// Where something would be done; nothing where no config says so.
    targets: Vec<String>,
    /// Who waits for a decision, being protected.
    protected: Vec<Subject>,
    /// Who has a case already that waits or is at work, with its number.
    joins: Vec<(Subject, i64)>,
    /// How many may be asked for at once, where the list names more, or others were asked for just now: all of it waits under one hold.
    over_limit: Option<usize>,
    /// How many were asked for within the window of that limit, where it is reached.
    asked_for_before: usize,
    /// Why all of it would wait, where it would by its number: the source's limits, the operator's, a share of the people who are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_whole: Option<String>,
    /// Since when.
    #[serde(skip)]
    window: Option<(Class, Timestamp)>,
    /// Whether somebody may be protected by a name that is known of none of them here: then the daemon sees it when it has found the account.
    #[serde(skip)]
    may_be_protected: bool,
}

impl ShownSet {
    /// Looks up what would become of each.
    ///
    /// # Errors
    /// Where the config or the store cannot be read.
    pub(super) async fn of(list: PeopleList, args: &RevokeArgs, at: &StoreArgs, store: &Store) -> anyhow::Result<Self> {
        let reason = args.reason()?;
        let mut shown = Self {
            set: String::new(),
            people: Vec::with_capacity(list.people.len()),
            again: list.again,
            playbook: args.playbook.clone().unwrap_or_else(|| reason.word().to_owned()),
            targets: Vec::new(),
            protected: Vec::new(),
            joins: Vec::new(),
            over_limit: None,
            asked_for_before: 0,
            waits_whole: None,
            window: None,
            may_be_protected: false,
        };
        let config = if at.store.is_some() && !at.config.exists() {
            None
        } else {
            // What is wrong with it was said before.
            Config::load_what_stands(&at.config, &Clock::system()).0
        };
        let protected = match &config {
            Some(config) => store.names_beside(&config.policy.guarded_names()).await?,
            None => BTreeSet::new(),
        };
        let mut known = BTreeSet::new();
        for subject in list.people {
            let names = store.with_known_names(&subject).await?;
            if !known.insert(names.clone()) {
                shown.again += 1;
                continue;
            }
            let found = names
                .names()
                .iter()
                .any(|name| protected.contains(&name.to_string().to_lowercase()));
            if found || config.as_ref().is_some_and(|config| config.policy.guards(&names)) {
                shown.protected.push(subject.clone());
            }
            let live = CaseFilter {
                states: vec!["open".to_owned(), "held".to_owned()],
                subject_refs: Some(store.references(&subject).await?),
                limit: 1,
                ..CaseFilter::default()
            };
            let live = store.find_cases(&live).await?;
            shown.joins.extend(live.iter().map(|case| (subject.clone(), case.id)));
            shown.people.push(subject);
        }
        if let Some(config) = &config {
            if let Some(playbook) = config.policy.playbooks.get(&shown.playbook) {
                shown.targets = playbook
                    .keys()
                    .filter(|name| args.target.as_ref().is_none_or(|target| target == *name))
                    .cloned()
                    .collect();
            }
            let limits = config.policy.limits_of(INBOX);
            let limited = Class::of(reason).filter(|_| !args.all_sessions);
            if let Some((class, limit)) = limited.and_then(|class| Some((class, limits.within_window(class)?))) {
                let recent = store.recently_acted_on(INBOX, class, limit).await?;
                shown.over_limit = (shown.people.len() + recent > limit).then_some(limit);
                shown.asked_for_before = recent;
                shown.window = Some((class, store.clock().now().minus(class.window())));
            }
            if !args.all_sessions {
                let mut asked = Signal::new("list", [0; 32], Subject::Opaque("list".to_owned()), reason);
                asked.requested_by = Some(operator().to_string());
                let foreseen = store.foresee_list(&config.policy, &asked, shown.people.len()).await?;
                shown.waits_whole = foreseen.map(|why| why.to_string());
            }
            shown.may_be_protected = !config.policy.guarded_names().is_empty() && !args.rehearse;
        }
        shown.set = digest(args, reason, &shown.people);
        Ok(shown)
    }

    /// Counts those in whom a target has found to be protected.
    pub(super) fn would_wait(&mut self, refused: Vec<Subject>) {
        for subject in refused {
            if !self.protected.contains(&subject) {
                self.protected.push(subject);
            }
        }
    }

    /// How many of them would wait for a decision.
    pub(super) fn waiting(&self) -> usize {
        if self.over_limit.is_some() || self.waits_whole.is_some() {
            self.people.len()
        } else {
            self.protected.len()
        }
    }

    /// Prints it for a person.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(super) fn show(&self, from: &Path) -> anyhow::Result<()> {
        let from = match from.to_str() {
            Some("-") => "standard input".to_owned(),
            _ => plain(&from.display().to_string()),
        };
        let at = match self.targets.as_slice() {
            [] => String::new(),
            targets => format!(" at {}", plain(&targets.join(", "))),
        };
        line(format!(
            "{} in {from}, by the playbook {}{at}",
            people(self.people.len()),
            plain(&self.playbook)
        ))?;
        let waits = self.protected.len();
        let why = self.over_limit.map(|limit| self.over(limit));
        match why.or_else(|| self.waits_whole.as_deref().map(plain)) {
            Some(why) => answer(
                Meaning::Waiting,
                "  all of them would wait under one hold",
                &format!(": {why}"),
            )?,
            None => line(format!("  {} would be acted on at once", self.people.len() - waits))?,
        }
        if waits > 0 {
            let named = named(self.protected.iter().map(ToString::to_string));
            let rest = format!(", who would wait for a decision: {named}");
            answer(Meaning::Waiting, &format!("  {waits} protected"), &rest)?;
        }
        if self.may_be_protected {
            line("  by names that are not known here others may be protected: see --rehearse")?;
        }
        if !self.joins.is_empty() {
            line(format!(
                "  {} with a case already, which this joins: {}",
                self.joins.len(),
                named(self.joins.iter().map(|(subject, case)| format!("{subject} (case {case})")))
            ))?;
        }
        if self.again > 0 {
            line(format!("  {} named again, counted once", self.again))?;
        }
        Ok(())
    }
}

impl ShownSet {
    /// Why all of them would wait.
    fn over(&self, limit: usize) -> String {
        let each = match self.window {
            Some((Class::Departures, _)) => "an hour",
            _ => "a minute",
        };
        let before = match (self.asked_for_before, self.window) {
            (before @ 1.., Some((_, since))) => {
                let times = LocalTimes::at(Clock::system().now());
                format!(", and {before} were asked for since {}", times.time(since))
            }
            _ => String::new(),
        };
        format!("up to {limit} {each} are acted on at once{before}")
    }
}

/// `1 person`, `30 people`.
pub(super) fn people(count: usize) -> String {
    match count {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    }
}

/// The first of several, and how many there are besides.
pub(super) fn named(texts: impl ExactSizeIterator<Item = String>) -> String {
    let more = texts.len().saturating_sub(NAMED);
    let shown: Vec<String> = texts.take(NAMED).map(|text| plain(&text).replace("\\u{a}", ", ")).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What stands for what is asked for whom. The order of the list does not matter, nor does the note.
fn digest(args: &RevokeArgs, reason: Reason, people: &[Subject]) -> String {
    let at = args.at.map(|at| format!("{at:?}"));
    let asked = AskedOfSet {
        reason: reason.word(),
        playbook: args.playbook.as_deref(),
        target: args.target.as_deref(),
        all_sessions: args.all_sessions,
        keep_out: args.keep_out.map(|length| length.as_secs()),
        at: at.as_deref(),
        key: args.key.as_deref(),
    };
    asked.digest(people)
}
