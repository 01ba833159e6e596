//! The commands, one file or folder each, under the name of the command. Only here is anything printed.
//!
//! `output` prints tables, JSON and sanitized text; `store` opens the store beside a running daemon; `exit` has the exit codes; `run` starts the
//! daemon and waits for SIGTERM; `by_socket` sends a command to the daemon for whoever may not open the store, `handed` is what the daemon tells the program when it
//! runs it for them, `no_socket` why it was not sent; `input` reads a file that is named, or standard input; `source_health` says in cells how sources are; `whom` is somebody as people name them, `number` what
//! is named by one.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

mod account;
mod alert;
mod asked;
mod backup;
mod batch;
mod by_socket;
mod candidates;
mod case;
mod check;
mod config_faults;
#[cfg(feature = "demo")]
mod demo;
mod departures;
mod erase;
mod exit;
mod find;
mod handed;
mod help;
mod hold;
mod human_time;
mod input;
mod job;
mod kinds;
mod leaked;
mod login;
mod manual;
mod near;
mod no_socket;
mod notify;
mod number;
mod output;
mod policy;
mod reads;
mod release;
mod reload;
mod report;
mod revoke;
mod run;
#[cfg(feature = "demo")]
mod sandbox;
mod shell;
mod source;
mod source_health;
mod status;
mod store;
mod subject;
mod target;
mod token;
mod trail;
mod transmitter;
mod whom;

pub use by_socket::{By, COMMANDS, Row};
pub use exit::Exit;
pub use handed::take_handed;
pub use shell::{command, complete};
pub use store::StoreArgs;

/// The revoke daemon: ends every session and token of a compromised or departed user, proves that they are gone, and keeps the evidence.
#[derive(Debug, Parser)]
#[command(name = "revoked", version, max_term_width = 110)]
#[cfg_attr(
    feature = "demo",
    command(
        after_help = "Try it: revoked demo\nThen:   revoked check --config revoked.toml; revoked run --config revoked.toml\n\nAn account that may not open the store, and is in the group of a role, has the daemon run its commands (docs/console.md)."
    )
)]
#[cfg_attr(
    not(feature = "demo"),
    command(
        after_help = "Begin: revoked check --config revoked.toml; revoked run --config revoked.toml\n\nAn account that may not open the store, and is in the group of a role, has the daemon run its commands (docs/console.md)."
    )
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where the store is
    #[command(flatten)]
    pub store: StoreArgs,
    /// Tell times in UTC; otherwise they are local, and `--json` has RFC 3339
    #[arg(long, global = true)]
    pub utc: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    #[command(after_help = "Example: revoked run --config /etc/revoked/revoked.toml")]
    Run,
    /// Have the running daemon read its config anew, without losing a connection or a job
    #[command(after_help = "Examples:
  revoked reload
  revoked reload --json

What is wrong with the file is printed, and the daemon runs on with the one before. What cannot be changed under the work (targets, listeners, \
the store, the trail) needs a restart, and is named. Exit codes: 0 in force; 2 the file is wrong; 1 it needs a restart, or no daemon runs.")]
    Reload {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the config and probe every target: what is wrong, and what to do about it
    #[command(after_help = "Example: revoked check --config revoked.toml")]
    Check(check::CheckArgs),
    #[cfg(feature = "demo")]
    /// Show the whole thing on loopback, without any configuration: an intruder, real signals, containment, proof
    #[command(after_help = "Example: revoked demo --json | jq .ok")]
    Demo(demo::DemoArgs),
    #[cfg(feature = "demo")]
    /// Run the Mattermost stand-in by itself
    #[command(after_help = "Example: revoked sandbox --listen 127.0.0.1:8065 --people 200")]
    Sandbox(sandbox::SandboxArgs),
    /// End a person's access, or one session or token
    Revoke(revoke::RevokeArgs),
    /// End a leaked credential, or everything of its owner, and prove it by trying the credential again
    Leaked(leaked::LeakedArgs),
    /// Look at lists of people that were asked for as one; pause one, let it go on, call the rest off
    #[command(subcommand)]
    Batch(batch::BatchCommand),
    /// Undo a suspension that a case has made: rehearsed first
    Release(release::ReleaseArgs),
    /// Find everything that is known by a part of a name: cases, names, departures, alerts, accounts
    Find(find::FindArgs),
    /// Look at cases, and call one off
    #[command(subcommand)]
    Case(case::CaseCommand),
    /// Certify what one person held, and how it ended
    #[command(subcommand)]
    Person(report::PersonCommand),
    /// Tell how long it took to end access
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Tell the next shift what came, what is open, and what to type about it
    Handover(report::HandoverArgs),
    /// Look at jobs
    #[command(subcommand)]
    Job(job::JobCommand),
    /// List what could not be revoked, with its age
    #[command(after_help = "Example: revoked ledger --json")]
    Ledger {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at who leaves when, and call a departure off
    #[command(subcommand)]
    Departures(departures::DeparturesCommand),
    /// Look at the configured sources, and try what they would make of a payload
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// Explain a decision rule by rule, run past signals through another config, and look at the groups of people
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// See how the targets stand, pause one; check, explain and try a description of one
    #[command(subcommand)]
    Target(target::TargetCommand),
    /// Look at what waits for a decision, and decide
    #[command(subcommand)]
    Hold(hold::HoldCommand),
    /// Say which names are one person's, and look at who is not known
    #[command(subcommand)]
    Subject(subject::SubjectCommand),
    /// Look at alerts, acknowledge and clear them
    #[command(subcommand)]
    Alert(alert::AlertCommand),
    /// Look at the channels on which people are told of alerts, and test them
    #[command(subcommand)]
    Notify(notify::NotifyCommand),
    /// Show how everything stands on one screen, what needs you last
    Status(status::StatusArgs),
    /// Watch what is new, what is at work and what needs you, or one case
    Watch(status::WatchArgs),
    /// Show, verify or export the trail, and replace its key
    #[command(subcommand)]
    Trail(trail::TrailCommand),
    /// Make, list and end tokens of the API
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Print a link that signs you in at the page, once
    #[command(after_help = "Example: revoked login")]
    Login {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy the store beside the running daemon, verified, and say what else to save
    Backup(backup::BackupArgs),
    /// Look at whom we tell what was proved, and whether it arrives
    #[command(subcommand)]
    Transmitter(transmitter::TransmitterCommand),
    /// Forget a person of whom nothing is open: the name and the notes go, the trail stays
    Erase(erase::EraseArgs),
    /// List the kinds of source and target that a config may name
    #[command(after_help = "Example: revoked kinds --json")]
    Kinds {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what the start of a shell reads, so that it completes commands, names from the config and open numbers
    #[command(after_help = "Examples:
  revoked completions bash > /usr/share/bash-completion/completions/revoked
  revoked completions zsh >> ~/.zshrc
  revoked completions fish > ~/.config/fish/completions/revoked.fish

It is one line, which asks the program for the rest each time a shell starts: shell and program are then always of the same version. Names \
come from the config without its secrets, numbers from the store; what may not be read, or not within 150 ms, is not offered.")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    #[command(after_help = "Examples:
  revoked man | man -l -
  revoked man --out /usr/local/share/man/man1")]
    Man {
        /// The folder to write one page for each command to; without it the main page goes to standard output
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What the command could not do, as a chain.
    pub async fn run(self) -> anyhow::Result<Exit> {
        output::tell_utc(self.utc);
        let at = &self.store;
        if let Some(exit) = Box::pin(by_socket::sent(at)).await? {
            return Ok(exit);
        }
        let Some(command) = self.command else {
            return Box::pin(status::begin(at)).await;
        };
        match command {
            Command::Run => Box::pin(run::run(at)).await,
            Command::Reload { json } => reload::run(at, json).await,
            Command::Check(args) => Box::pin(check::run(&args, at)).await,
            #[cfg(feature = "demo")]
            Command::Demo(args) => Box::pin(demo::run(args)).await,
            #[cfg(feature = "demo")]
            Command::Sandbox(args) => Box::pin(sandbox::run(args)).await,
            Command::Revoke(args) => Box::pin(revoke::run(args, at)).await,
            Command::Leaked(args) => Box::pin(leaked::run(args, at)).await,
            Command::Batch(command) => Box::pin(batch::run(command, at)).await,
            Command::Release(args) => Box::pin(release::run(args, at)).await,
            Command::Find(args) => Box::pin(find::run(&args, at)).await,
            Command::Case(command) => Box::pin(case::run(command, at)).await,
            Command::Person(command) => Box::pin(report::person(command, at)).await,
            Command::Report(command) => Box::pin(report::times(command, at)).await,
            Command::Handover(args) => Box::pin(report::handover(&args, at)).await,
            Command::Job(command) => Box::pin(job::run(command, at)).await,
            Command::Ledger { json } => Box::pin(job::ledger(at, json)).await,
            Command::Departures(command) => Box::pin(departures::run(command, at)).await,
            Command::Source(command) => Box::pin(source::run(command, at)).await,
            Command::Policy(command) => Box::pin(policy::run(command, at)).await,
            Command::Target(command) => target::run(command, at).await,
            Command::Hold(command) => Box::pin(hold::run(command, at)).await,
            Command::Subject(command) => Box::pin(subject::run(command, at)).await,
            Command::Alert(command) => Box::pin(alert::run(command, at)).await,
            Command::Notify(command) => Box::pin(notify::run(command, at)).await,
            Command::Status(args) => Box::pin(status::run(&args, at)).await,
            Command::Watch(args) => Box::pin(status::run_watch(&args, at)).await,
            Command::Trail(command) => Box::pin(trail::run(command, at)).await,
            Command::Token(command) => Box::pin(token::run(command, at)).await,
            Command::Login { json } => login::run(at, json).await,
            Command::Backup(args) => Box::pin(backup::run(&args, at)).await,
            Command::Transmitter(command) => Box::pin(transmitter::run(command, at)).await,
            Command::Erase(args) => Box::pin(erase::run(&args, at)).await,
            Command::Kinds { json } => kinds::run(json),
            Command::Completions { shell } => shell::completions(shell),
            Command::Man { out } => shell::man(out.as_deref()),
        }
    }
}

/// What was typed does not fit: exit code 2, like a command line that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

/// An error as it is told: its chain on one line, with its times as people read them.
#[must_use]
pub fn in_words(error: &anyhow::Error) -> String {
    let times = output::LocalTimes::at(crate::clock::Clock::system().now());
    times.told(&format!("{error:#}"))
}

/// The exit code of an error: the store's refusals and the config's have their own.
#[must_use]
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(exit) = store::refusal(error) {
        exit
    } else if error.is::<crate::config::ConfigReport>() || error.is::<UsageError>() {
        Exit::Usage
    } else {
        Exit::Failed
    }
}
