//! The arguments of `revoked revoke`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::UsageError;
use crate::cli::account::as_typed;
use crate::cli::human_time::HumanTime;
use crate::cli::store::operator;
use crate::cli::whom::Whom;
use crate::model::{Reason, Subject, Timestamp, has_form_of_id};
use crate::policy::BUILT_IN;
use crate::settings::Period;
use crate::store::InboxRow;

/// `revoked revoke`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked revoke alice@example.org --reason compromised --wait
  revoked revoke username:bob --reason departed --at 2026-12-01T17:30:00+01:00
  revoked revoke id:npryem6qbfdcxji356uo9tc33o --reason compromised --target chat --session d8t3moset7ga5kaqtp157c3e1a --wait
  revoked revoke alice@example.org --reason departed --rehearse
  revoked revoke alice@example.org --reason compromised --keep-out 30d
  revoked revoke --from phished.csv --reason compromised --wait

A list has one subject a line, or is CSV with a header (subject, email, username, id, employee_id); blank lines and those that begin with #
are skipped. It is shown and counted first, and confirmed by typing the number of people, or in a script by --set. It is acted on, or
held, as one. The same list again within a day makes no second case: it follows the first.

Exit codes: 14 held, 16 rejected. With --wait also: 0 contained, 10 unverified, 11 residual, 12 no principal, 13 failed, 15 still waiting; of
a list the worst.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct RevokeArgs {
    /// Whom it is about.
    #[arg(
        help = "Whom it is about: alice@example.org, username:alice, id:<account id>, iss_sub:<issuer>#<sub>, case:17; alice where that is known",
        required_unless_present = "from"
    )]
    pub subject: Option<Whom>,
    /// A list of people instead: one a line, or CSV with a header; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "session", "token"])]
    pub from: Option<PathBuf>,
    /// The set that the list made when it was shown: it is about exactly these people
    #[arg(long, value_name = "HASH", requires = "from", conflicts_with = "rehearse")]
    pub set: Option<String>,
    /// Why.
    #[arg(long, value_parser = reason, help = "Why: compromised, departed, suspended, credential_changed, … Always to be said")]
    pub reason: Option<Reason>,
    /// A playbook other than the one named like the reason
    #[arg(long)]
    pub playbook: Option<String>,
    /// Only this target of the playbook
    #[arg(long)]
    pub target: Option<String>,
    /// End this one session (the target's id) and nothing else
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with_all = ["token", "all_sessions"])]
    pub session: Option<String>,
    /// Revoke this one access token (the target's id, not the secret) and nothing else
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with = "all_sessions")]
    pub token: Option<String>,
    /// End every session and nothing else
    #[arg(long)]
    pub all_sessions: bool,
    /// Go on looking for this long after the verdict, and end what comes back (30d, 12h)
    #[arg(long, value_name = "TIME", value_parser = keep_out)]
    pub keep_out: Option<Duration>,
    /// Act then instead of now: 2h, 17:30, tomorrow, "2026-12-01 17:30", or RFC 3339 with an offset
    #[arg(long, value_name = "TIME")]
    pub at: Option<HumanTime>,
    /// Why in words, kept with the case
    #[arg(long)]
    pub note: Option<String>,
    /// Makes a repetition of this command harmless: the same key is the same request
    #[arg(long)]
    pub key: Option<String>,
    /// Print what would be done and change nothing
    #[arg(long)]
    pub rehearse: bool,
    /// Wait for the verdict, show progress, and exit by it
    #[arg(long, conflicts_with = "rehearse")]
    pub wait: bool,
    /// Show what merely explains too: what is not covered, what did not change
    #[arg(long)]
    pub explain: bool,
    /// How long --wait waits, in seconds
    #[arg(long, default_value_t = 300)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl RevokeArgs {
    /// Why it is asked for.
    ///
    /// # Errors
    /// Where nobody has said so: with the reasons that there are, and the command again.
    pub(super) fn reason(&self) -> Result<Reason, UsageError> {
        self.reason.ok_or_else(|| {
            let words: Vec<&str> = BUILT_IN.iter().map(|reason| reason.word()).collect();
            UsageError(format!(
                "say why with --reason ({}); in an incident: {} --reason {}",
                words.join(", "),
                as_typed(),
                Reason::Compromised.word()
            ))
        })
    }

    /// The playbook that is followed; none where neither it nor a reason was named.
    pub(super) fn playbook_name(&self) -> Option<&str> {
        self.playbook.as_deref().or(self.reason.map(Reason::word))
    }

    /// What is asked for about somebody, as a row of the inbox.
    ///
    /// # Errors
    /// Where the time to act cannot be told.
    pub(super) fn request(&self, subject: &Subject, now: Timestamp) -> Result<InboxRow, UsageError> {
        let act_at = self.at.map(|at| at.ahead_of(now)).transpose().map_err(UsageError)?;
        Ok(InboxRow {
            subject: subject.to_string(),
            reason: self.reason()?.word().to_owned(),
            requested_by: operator().to_string(),
            note: self.note.clone(),
            request_key: self.key.clone(),
            playbook: self.playbook.clone(),
            target: self.target.clone(),
            session: self.session.clone(),
            access_token: self.token.clone(),
            all_sessions: self.all_sessions,
            act_at: act_at.map(Timestamp::ms),
            keep_out: self
                .keep_out
                .map(|length| i64::try_from(length.as_secs()).unwrap_or(i64::MAX)),
            ..InboxRow::default()
        })
    }
}

fn reason(word: &str) -> Result<Reason, String> {
    Reason::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        format!("write one of {}", words.join(", "))
    })
}

fn id(text: &str) -> Result<String, String> {
    if has_form_of_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an id has letters, digits and -_:. only, at most 128".to_owned())
    }
}

fn keep_out(text: &str) -> Result<Duration, String> {
    let length = text.parse::<Period>().map_err(|error| error.to_string())?.0;
    if length < Duration::from_hours(1) {
        return Err("it must be at least 1h; the sweeps of the playbook look sooner than that".to_owned());
    }
    Ok(length)
}
