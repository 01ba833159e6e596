//! What a shell is given: completions that the program itself works out at each key, `revoked completions` and `revoked man`.

use std::path::Path;

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_complete::{CompleteEnv, Shell};

use super::output::line;
use super::{Cli, Exit, candidates, help, manual};

/// The whole command line, as it is parsed, helped with and described.
#[must_use]
pub fn command() -> Command {
    help::reflowed(Cli::command())
}

/// Answers a shell that asks what could be typed next, and ends the process. Does nothing where nobody asks (`$COMPLETE` is not set).
pub fn complete() {
    CompleteEnv::with_factory(|| candidates::offering(command())).complete();
}

/// Prints what the start of `shell` reads. That line asks the program for the rest: what the shell and the program say to each other may change
/// with each version, and a script that was kept from an older one would then offer nothing.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    line(match shell {
        Shell::Bash => "command -v revoked > /dev/null && source <(COMPLETE=bash revoked)",
        // Nothing completes before compinit, which Debian's own start of zsh does not run.
        Shell::Zsh => {
            "(( $+functions[compdef] )) || { autoload -U compinit && compinit -i }; (( $+commands[revoked] )) && source <(COMPLETE=zsh revoked)"
        }
        Shell::Fish => "command -q revoked; and COMPLETE=fish revoked | source",
        Shell::Elvish => "eval (E:COMPLETE=elvish revoked | slurp)",
        Shell::PowerShell => "$env:COMPLETE = \"powershell\"; revoked | Out-String | Invoke-Expression; Remove-Item Env:\\COMPLETE",
        other => anyhow::bail!("there are no completions for {other}"),
    })?;
    Ok(Exit::Ok)
}

/// Prints the main manual page, or writes one page for each command to a folder.
///
/// # Errors
/// Where the folder cannot be written.
pub(super) fn man(out: Option<&Path>) -> anyhow::Result<Exit> {
    if let Some(folder) = out {
        let pages = manual::all_pages(command(), folder)?;
        line(format!("{pages} manual pages are in {}", folder.display()))?;
    } else {
        let mut page = Vec::new();
        manual::main_page(command(), &mut page).context("rendering the manual page")?;
        line(String::from_utf8_lossy(&page).trim_end())?;
    }
    Ok(Exit::Ok)
}
