//! `revoked case`: what was asked, what was done, what was proved, and what people say beside it.
//!
//! `list` and `show` read, `change` has notes, owners and cancelling; `follow` waits with a `progress_line`, which has what stands in the
//! way from `trouble`; `verdict_line` is the answer by itself and `answer_line` with what other cases tell, `whose` what it says of a
//! leaked credential.

use clap::Subcommand;

use super::output::{LiveLine, json, line, name_unreadable};
use super::report::{self, CaseReportArgs};
use super::{Exit, StoreArgs, number, reads};
use crate::store::PeopleRead;

mod answer_line;
mod change;
mod follow;
mod list;
mod progress_line;
mod show;
mod trouble;
mod verdict_line;
mod whose;

pub(super) use answer_line::answer_line;
pub(super) use follow::{Followed, follow, interrupted, waits_longer};
pub(super) use list::ListArgs;
pub(super) use progress_line::unended;
pub(super) use show::show;
pub(super) use trouble::{cause, trouble};
pub(super) use verdict_line::{AnswerLine, who};

/// `revoked case`
#[derive(Debug, Clone, Subcommand)]
pub enum CaseCommand {
    /// List cases, newest first
    #[command(after_help = "Examples:
  revoked case list --state open,held
  revoked case list --verdict failed --since yesterday
  revoked case list --subject alice@example.org --json")]
    List(Box<ListArgs>),
    /// Show one case with its signals, jobs, actions and evidence; its answer last
    #[command(after_help = "Examples:
  revoked case show 17
  revoked case show 17 --follow      # until it is over; exits by the verdict, Ctrl-C leaves the work running")]
    Show {
        /// The case's number
        #[arg(value_parser = number::case)]
        case: i64,
        /// Follow it until it is over, and exit by the verdict
        #[arg(long)]
        follow: bool,
        /// What merely explains too: what is not covered, what did not change, request ids
        #[arg(long)]
        explain: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Report one case for the boss, the ticket and the auditor: each sentence with the trail's entries that carry it
    Report(CaseReportArgs),
    /// Write a note beside a case
    #[command(after_help = "Example: revoked case note 17 \"spoke to her manager, the laptop is with us\"

Notes are kept with the case and erased with the person; the trail names a note by its number alone.")]
    Note {
        /// The case's number
        #[arg(value_parser = number::case)]
        case: i64,
        /// What to write, up to 2000 characters
        text: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say who looks after a case
    #[command(after_help = "Examples:
  revoked case assign 17
  revoked case assign 17 --to alice
  revoked case assign 17 --nobody")]
    Assign {
        /// The case's number
        #[arg(value_parser = number::case)]
        case: i64,
        /// The login of whoever looks after it; yours without it
        #[arg(long, value_name = "LOGIN", value_parser = login)]
        to: Option<String>,
        /// Nobody looks after it any more
        #[arg(long, conflicts_with = "to")]
        nobody: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Call a case off: what is queued, held or watched ends, what is at work stops before its next change
    #[command(after_help = "Example: revoked case cancel 17 --note \"departed by mistake, HR ticket 812\"

What was done stays done. A suspended account is given back by `revoked release CASE`.")]
    Cancel {
        /// The case's number
        #[arg(value_parser = number::case)]
        case: i64,
        /// Why, for the trail
        #[arg(long)]
        note: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs `revoked case`.
///
/// # Errors
/// Where the store cannot be read or the case does not exist.
pub(super) async fn run(command: CaseCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    if let CaseCommand::Report(args) = command {
        return Box::pin(report::case(&args, at)).await;
    }
    let store = at.open().await?;
    let exit = match command {
        // Done above.
        CaseCommand::Report(_) => Exit::Ok,
        CaseCommand::List(args) => list::run(&args, &store).await?,
        CaseCommand::Note { case, text, json } => change::note(&store, case, text, json).await?,
        CaseCommand::Assign { case, to, nobody, json } => change::assign(&store, case, to, nobody, json).await?,
        CaseCommand::Cancel { case, note, json } => change::cancel(&store, case, note, json).await?,
        CaseCommand::Show {
            case,
            follow: is_followed,
            explain,
            json: as_json,
        } => {
            let exit = if is_followed {
                let mut live = LiveLine::new(as_json);
                exit_of(&follow(&store, case, None, &mut live).await?)
            } else {
                Exit::Ok
            };
            let detail = store.case_detail(case).await?;
            let read = PeopleRead {
                cases: vec![case],
                ..reads::read_with("case show")
            };
            reads::record_read(&store, at, &read).await;
            name_unreadable(&detail.unreadable);
            if as_json {
                json(&detail)?;
            } else {
                show(&store, &detail, explain).await?;
                if is_followed && exit == Exit::Waiting {
                    line(format!("the work goes on; follow it: revoked case show {case} --follow"))?;
                }
            }
            exit
        }
    };
    store.close().await;
    Ok(exit)
}

/// The exit code of what following a case came to.
pub(super) fn exit_of(followed: &Followed) -> Exit {
    match followed {
        Followed::Over(case) => match (case.state.as_str(), case.verdict.as_deref()) {
            ("held", _) => Exit::Held,
            ("closed", Some(verdict)) => Exit::of_verdict(verdict),
            _ => Exit::Rejected,
        },
        Followed::NotOver(_) | Followed::Interrupted => Exit::Waiting,
    }
}

/// A login as Linux has them: the trail may show it.
fn login(text: &str) -> Result<String, String> {
    if revoked_trail::is_login(text) {
        Ok(text.to_owned())
    } else {
        Err("write a login: letters, digits and .-_ only, at most 32".to_owned())
    }
}
