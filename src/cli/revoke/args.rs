//! The arguments of `revoked revoke`.

use std::time::Duration;

use clap::Args;

use crate::cli::human_time::HumanTime;
use crate::cli::whom::Whom;
use crate::model::{Reason, has_form_of_id};
use crate::settings::Period;

/// `revoked revoke`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked revoke alice@example.org --reason compromised --wait
  revoked revoke username:bob --reason departed --at 2026-12-01T17:30:00+01:00
  revoked revoke id:npryem6qbfdcxji356uo9tc33o --reason compromised --target chat --session d8t3moset7ga5kaqtp157c3e1a --wait
  revoked revoke alice@example.org --reason departed --rehearse
  revoked revoke alice@example.org --reason compromised --keep-out 30d

Exit codes with --wait: 0 contained, 10 unverified, 11 residual, 12 no principal, 13 failed, 14 held, 15 still waiting, 16 rejected.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct RevokeArgs {
    /// Whom it is about.
    #[arg(
        help = "Whom it is about: alice@example.org, username:alice, id:<account id>, iss_sub:<issuer>#<sub>, case:17; alice where that is known"
    )]
    pub subject: Whom,
    /// Why.
    #[arg(long, value_parser = reason, help = "Why: compromised, departed, suspended, credential_changed, …")]
    pub reason: Reason,
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
    /// How long --wait waits, in seconds
    #[arg(long, default_value_t = 300)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
