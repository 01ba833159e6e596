//! `revoked leaked`: a credential in the wrong hands. It is read from standard input or a file, never from an argument.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use super::output::{can_be_asked, hidden_line, remark};
use super::revoke::{Wanted, check, follow};
use super::store::operator;
use super::{Exit, StoreArgs, UsageError};
use crate::intake::{CREDENTIAL, OWNER};
use crate::model::{LeakedValue, Reason};
use crate::store::InboxRow;

/// The longest credential taken, in bytes.
const LONGEST: u64 = 2000;
/// How long standard input may say nothing before it is said that it is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// `revoked leaked`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked leaked --target chat --wait                   # at a terminal: asks for it, and shows nothing of what is pasted
  revoked leaked --target chat --wait < found-token
  revoked leaked --target chat --contain --wait --file /run/found-token --note \"in a public repository, ticket 813\"

The credential is used once, which shows whose it is; then exactly the token, session or webhook that it opens is ended (with --contain
everything of its owner), and it is used again: only where the target refuses it is the verdict contained. It is kept encrypted until then.

Exit codes with --wait: 0 contained (it was refused), 10 unverified, 11 residual, 12 it was refused from the start (which does not mean that
it is harmless: a refresh token or a disabled token is refused too), 13 failed, 14 held, 15 still waiting, 16 rejected.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct LeakedArgs {
    /// Where the credential is good
    #[arg(long)]
    pub target: String,
    /// The file that holds it, instead of standard input; - for standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Contain its owner too, by the playbook `compromised`
    #[arg(long)]
    pub contain: bool,
    /// A playbook other than `compromised`, with --contain
    #[arg(long, requires = "contain")]
    pub playbook: Option<String>,
    /// Where it was found, kept with the case. Not the credential
    #[arg(long)]
    pub note: Option<String>,
    /// Makes a repetition of this command harmless: the same key is the same request
    #[arg(long)]
    pub key: Option<String>,
    /// Wait for the verdict, show progress, and exit by it
    #[arg(long)]
    pub wait: bool,
    /// How long --wait waits, in seconds
    #[arg(long, default_value_t = 300)]
    pub timeout: u64,
    /// With --wait, show what merely explains too
    #[arg(long)]
    pub explain: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `revoked leaked`.
///
/// # Errors
/// Where no credential can be read, or the store cannot be reached.
pub(super) async fn run(args: LeakedArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    check(at, args.playbook.as_deref(), Some(&args.target))?;
    let value = read(args.file.clone().filter(|file| file.as_os_str() != "-")).await?;
    let store = at.open().await?;
    let value = LeakedValue(value);
    let row = store
        .submit_request(InboxRow {
            subject: if args.contain { OWNER } else { CREDENTIAL }.to_owned(),
            reason: Reason::Compromised.word().to_owned(),
            requested_by: operator().to_string(),
            note: args.note.clone(),
            request_key: args.key.clone(),
            playbook: args.playbook.clone(),
            target: Some(args.target.clone()),
            leaked: Some(value.digest()),
            value: Some(value),
            ..InboxRow::default()
        })
        .await?;
    let wanted = Wanted {
        patience: args.wait.then_some(args.timeout),
        explain: args.explain,
        json: args.json,
    };
    let exit = follow(&store, row, wanted).await;
    store.close().await;
    exit
}

/// The credential without the white space around it.
async fn read(file: Option<PathBuf>) -> anyhow::Result<SecretString> {
    let bytes = if file.is_none() && can_be_asked() {
        let longest = usize::try_from(LONGEST).unwrap_or(usize::MAX);
        hidden_line("paste the credential, then Enter (it is not shown): ", longest)
            .context("reading the credential from the terminal")?
            .ok_or_else(|| UsageError("nothing was handed in, and nothing was done".to_owned()))?
    } else {
        let mut reading = tokio::task::spawn_blocking(move || read_whole(file));
        let in_time = tokio::time::timeout(PATIENCE, &mut reading).await;
        let read = if let Ok(read) = in_time {
            read
        } else {
            remark("the credential is read to the end of standard input, and that has not come yet (--file reads a file)");
            reading.await
        };
        read.context("reading the credential")??
    };
    let misused = |why: &str| {
        anyhow::Error::from(UsageError(format!(
            "{why}; hand in the credential alone, by standard input or --file"
        )))
    };
    let text = SecretString::from(String::from_utf8(bytes).map_err(|_| misused("what was handed in is not text"))?);
    let trimmed = text.expose_secret().trim();
    if trimmed.is_empty() {
        return Err(misused("nothing was handed in"));
    }
    if trimmed.len() as u64 > LONGEST || trimmed.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(misused("what was handed in is longer than a credential, or more than one"));
    }
    Ok(SecretString::from(trimmed.to_owned()))
}

/// The credential that was handed in, for the daemon: from a file, from standard input, or at the terminal.
///
/// # Errors
/// Where none can be read.
pub(super) async fn handed_in(file: Option<PathBuf>) -> anyhow::Result<Vec<u8>> {
    Ok(read(file).await?.expose_secret().as_bytes().to_vec())
}

/// All of a file, or of standard input.
fn read_whole(file: Option<PathBuf>) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match file {
        Some(path) => std::fs::File::open(&path)
            .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
            .with_context(|| format!("reading the credential in {}", path.display()))?,
        None => std::io::stdin()
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)
            .context("reading the credential from standard input")?,
    };
    Ok(bytes)
}
