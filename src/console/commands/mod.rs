//! Commands that come by the socket of a role: the daemon runs the program that it is itself, on behalf of the caller, and hands back what that prints.
//!
//! What a command line means, and which role it needs, is told by whoever knows the command line ([`ReadsCommands`]); nothing runs that is not known
//! there. `handed` is how the daemon tells its child for whom it runs, `places` how many run at once, `run` the child with its frames.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::Role;

mod handed;
mod places;
mod run;

pub use handed::{Handed, taken};
pub(super) use places::{Place, Places};
pub(super) use run::{Order, start};

/// What a command line comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// The command's words: `hold approve`.
    pub command: &'static str,
    /// The role that it needs as it is typed here.
    pub least: Role,
}

/// Why a command line is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotMeant {
    /// It is for the host alone, or for nobody.
    NotHere(String),
    /// It cannot be read, or names what no caller may name.
    Wrong(String),
}

/// Reads the words behind the program's name.
pub type ReadsCommands = fn(&[String]) -> Result<Meant, NotMeant>;

/// What is needed to run commands for callers.
#[derive(Debug, Clone)]
pub struct Commands {
    /// Reads them.
    pub reads: ReadsCommands,
    /// The daemon's config, which is the child's.
    pub config: PathBuf,
    /// The daemon's store, where it was named on its command line.
    pub store: Option<PathBuf>,
}

/// A piece of what a command says, in the order in which it came. One stands on each line of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// Standard output.
    Out(String),
    /// Standard error.
    Err(String),
    /// How it ended: its exit code. Nothing comes after it; an answer without it was cut.
    Exit(i32),
}
