//! `[alerts]`: the program that each alert is handed to.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::Diagnostics;
use super::file::{self, AlertExec};
use super::tables::{period, value};
use crate::bounded_program::{Program, can_be_run, said_path};

const TIMEOUT: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_mins(5);
const ATTEMPTS: u32 = 10;
/// How many bytes it may write on each of its outputs, of which nothing but the end of the second is ever told.
const OUTPUT: usize = 64 << 10;

/// Whom alerts are told beside those who look.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    /// The program that each raised alert is handed to.
    pub program: Option<AlertProgram>,
    /// Why it could not be run when the config was read. That keeps no daemon from starting: whoever is to be told is no reason to end
    /// nobody's access.
    pub fault: Option<String>,
}

/// The program that each raised alert is handed to.
#[derive(Debug, Clone)]
pub struct AlertProgram {
    /// How it is run.
    pub program: Program,
    /// After how many tries an alert is given up.
    pub attempts: u32,
}

pub(super) fn alerts(written: &file::Alerts, found: &mut Diagnostics) -> Alerts {
    let Some(exec) = &written.exec else {
        return Alerts::default();
    };
    let (path, args, timeout, attempts) = match exec.get_ref() {
        AlertExec::Path(path) => (Spanned::new(exec.span(), path.clone()), Vec::new(), None, None),
        AlertExec::Table(table) => (
            table.program.clone(),
            table.args.as_ref().map(|args| args.get_ref().clone()).unwrap_or_default(),
            table.timeout.as_ref(),
            table.attempts.as_ref(),
        ),
    };
    let time = period(timeout, "timeout", TIMEOUT, SHORTEST..=LONGEST, found);
    let attempts = value(attempts, ATTEMPTS, found, |attempts| {
        (1..=100)
            .contains(attempts)
            .then_some(())
            .ok_or_else(|| "attempts: it must be from 1 to 100".to_owned())
    });
    let command: Vec<String> = std::iter::once(path.get_ref().clone()).chain(args.iter().cloned()).collect();
    match said_path(&command) {
        Ok(path) => Alerts {
            fault: can_be_run(&path).err().map(|error| format!("{error:#}")),
            program: Some(AlertProgram {
                program: Program {
                    path,
                    args: args.into_iter().map(Into::into).collect(),
                    environment: Vec::new(),
                    folder: PathBuf::from("/"),
                    time,
                    output: OUTPUT,
                },
                attempts,
            }),
        },
        Err(error) => {
            found.complain(path.span(), format!("exec: {error:#}"));
            Alerts::default()
        }
    }
}
