//! Parses the command line, runs the command, prints an error once as a chain, and chooses the exit code.

use std::process::ExitCode;

use clap::FromArgMatches as _;
use revoked::cli::{Cli, Exit};

fn main() -> ExitCode {
    // A shell that asks what could be typed gets its answer, and nothing else happens.
    revoked::cli::complete();
    let is_handed = match revoked::cli::take_handed() {
        Ok(is_handed) => is_handed,
        Err(error) => {
            report(&error);
            return Exit::Usage.into();
        }
    };
    let parsed = revoked::cli::command()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and clap says so by its exit code.
            drop(error.print());
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Ok.into()
            };
        }
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if is_handed {
        // Beside the daemon, whose unit bounds the threads of both.
        runtime.worker_threads(2);
    }
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            report(&anyhow::Error::new(error).context("starting the runtime"));
            return Exit::Failed.into();
        }
    };
    let exit = match runtime.block_on(cli.run()) {
        Ok(exit) => exit,
        Err(error) => {
            report(&error);
            revoked::cli::exit_of(&error)
        }
    };
    // Whichever way the command took: a store that it left open has a writer, which needs the runtime to its end.
    runtime.block_on(revoked::store::close_all());
    exit.into()
}

#[expect(clippy::print_stderr, reason = "the one place where a command's error is printed")]
fn report(error: &anyhow::Error) {
    eprintln!("revoked: {}", revoked::cli::in_words(error));
}
