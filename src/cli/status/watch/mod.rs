//! `revoked watch`: the screen of a shift again every second, with what is new; in a pipe, a line for each change. `revoked status --watch` is the
//! same.
//!
//! `feed` has what is new, from the trail; `piped` tells changes line by line; `of_case` follows one case; `viewer` is whoever watches: the window,
//! its keys and the signals.

use clap::Args;

use super::screen::{self, ScreenRoom};
use super::{Status, StoreArgs};
use crate::cli::output::{LocalTimes, Meaning, fit, line};
use crate::cli::{Exit, number};
use crate::store::{Store, StoreError};
use feed::Feed;
use viewer::{Viewer, Wants};

mod feed;
mod of_case;
mod piped;
mod viewer;

/// How many digits a number may have.
const LONGEST_NUMBER: usize = 15;

/// `revoked watch`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked watch
  revoked watch --case 17
  revoked watch --json | jq -c 'select(.change == \"need\")'

The screen is drawn again every second: what is new, what is at work with a clock since the signal, and what needs somebody, the most urgent at \
the very end, each with what to type. The number of a case and Enter show that case, q leads back; q or Ctrl-C ends it. In a pipe it is a line for \
each change.")]
pub struct WatchArgs {
    /// Follow one case: its course, where it stands at each target, and its answer last
    #[arg(long, value_parser = number::case)]
    case: Option<i64>,
    /// Print a JSON object for each change
    #[arg(long)]
    json: bool,
}

/// Runs `revoked watch`.
///
/// # Errors
/// Where the store cannot be read, there is no such case, or standard output cannot be written.
pub(in crate::cli) async fn run(args: &WatchArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let watched = match args.case {
        Some(case) => of_case::watch(&store, at, case, args.json).await,
        None => watch(&store, at, args.json).await.map(|_| ()),
    };
    store.close().await;
    watched.map(|()| Exit::Ok)
}

/// Draws until it is told to stop, and answers whether something needed somebody at the end.
///
/// # Errors
/// Where the store cannot be read, or standard output cannot be written.
pub(super) async fn watch(store: &Store, at: &StoreArgs, as_json: bool) -> anyhow::Result<bool> {
    let mut viewer = Viewer::begin(as_json)?;
    let mut feed = Feed::begin(store, None).await?;
    if !viewer.has_window() {
        return piped::follow(store, at, (&mut viewer, feed), as_json).await;
    }
    // The number of a case, as far as it is typed, and what came of the one before.
    let (mut typed, mut note) = (String::new(), None);
    loop {
        let status = Status::of(store, at).await?;
        feed.catch_up(store).await?;
        let times = LocalTimes::at(store.clock().now());
        let new: Vec<(Meaning, String)> = feed.recent(&times).collect();
        let last = match (typed.as_str(), note.take()) {
            ("", note) => note,
            (case, _) => Some(format!("case {case}_ · Enter shows it")),
        };
        viewer.draw(|width, height| {
            let room = ScreenRoom {
                width: Some(width),
                height: Some(height),
            };
            let mut lines = screen::lines(&status, store, room, Some(&new));
            if let (Some(sum), Some(last)) = (lines.last_mut(), last) {
                *sum = Meaning::Strong.paint(fit(&last, Some(width)));
            }
            // Where not even the shortest fits, the end of it does.
            lines.split_off(lines.len().saturating_sub(height))
        })?;
        let wants = match viewer.wants().await {
            Wants::Digit(digit) if typed.len() < LONGEST_NUMBER => {
                typed.push(digit);
                Wants::More
            }
            Wants::Less => {
                typed.pop();
                Wants::More
            }
            Wants::This if !typed.is_empty() => {
                let case = std::mem::take(&mut typed).parse()?;
                match of_case::look(store, at, case, &mut viewer).await {
                    Ok(Wants::End) => Wants::End,
                    Ok(_) => Wants::More,
                    Err(error) if is_missing(&error) => {
                        note = Some(format!("there is no case {case}"));
                        Wants::More
                    }
                    Err(error) => return Err(error),
                }
            }
            wants => wants,
        };
        if matches!(wants, Wants::End | Wants::Back) {
            drop(viewer);
            // What was seen last stands where the next prompt comes.
            let needs = status.needs(store).len();
            line(screen::plain_sum(&status, needs))?;
            return Ok(needs > 0);
        }
    }
}

/// Whether there is no such case.
fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::NotFound { .. }))
}
