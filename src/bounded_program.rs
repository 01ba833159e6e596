//! Runs a program of this machine within bounds: without a shell, with the environment that is handed over and no other, in a process group
//! of its own that is killed whole, and with limits to its time and to what it writes.
//!
//! A program that leaves its group (`setsid`) is out of reach of that; the daemon's unit ends it with the daemon. Descriptors of ours are all
//! closed on exec, as the standard library opens them.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::file_modes;
use crate::telemetry::sanitized;

/// How long what somebody left behind may hold our pipes once the program itself has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// How much of what it wrote on standard error is told.
const TOLD: usize = 300;

/// What is run, and how much of it is put up with.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called with.
    pub args: Vec<OsString>,
    /// Its environment, beside a `PATH` and a locale. What is secret in it is taken out of what it says.
    pub environment: Vec<(String, SecretString)>,
    /// Where it is run.
    pub folder: PathBuf,
    /// How long it may take.
    pub time: Duration,
    /// How many bytes it may write, on each of its two outputs.
    pub output: usize,
}

/// What a program came to that ended by itself.
#[derive(Debug)]
pub struct Output {
    /// Its exit code.
    pub code: i32,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// The last of what it said beside that, made harmless and without the secrets that it was handed.
    pub said: String,
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It is not there, or may not be run.
    #[error("{path} could not be started")]
    Start {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It took too long.
    #[error("it had not ended after {:?} and was killed{}", .0, after(.1))]
    Slow(Duration, String),
    /// It wrote too much.
    #[error("it wrote more than {0} bytes and was killed")]
    Flood(usize),
    /// Something killed it.
    #[error("it was killed by a signal{}", after(.0))]
    Killed(String),
    /// The system did not let us watch it.
    #[error("could not watch it")]
    Watch(#[source] io::Error),
}

impl RunError {
    /// The same without anything that the program said.
    #[must_use]
    pub fn bare(&self) -> String {
        match self {
            Self::Slow(time, _) => Self::Slow(*time, String::new()).to_string(),
            Self::Killed(_) => Self::Killed(String::new()).to_string(),
            other => other.to_string(),
        }
    }
}

fn after(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!("; it said: {said}")
    }
}

/// A process group, killed when dropped. It is dropped before its head is waited for, so that the number cannot be somebody else's by then.
#[derive(Debug)]
pub struct Group(Pid);

impl Group {
    /// The group that a child is the head of, having been started with `process_group(0)`. Nothing where it was waited for already.
    #[must_use]
    pub fn of(child: &Child) -> Option<Self> {
        let id = i32::try_from(child.id()?).ok()?;
        Pid::from_raw(id).map(Self)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody may be left.
        _ = kill_process_group(self.0, Signal::KILL);
    }
}

/// Where a program is that a config names with its arguments, which must be there.
///
/// # Errors
/// As [`said_path`], and where nothing is there.
pub fn trusted_path(command: &[String]) -> anyhow::Result<PathBuf> {
    let path = said_path(command)?;
    ensure!(path.is_file(), "{} is no file", path.display());
    Ok(path)
}

/// Where a program is to be that a config names with its arguments, whether or not it is there now. Whoever may write it acts with our rights,
/// so nobody else may.
///
/// # Errors
/// What is wrong with it.
pub fn said_path(command: &[String]) -> anyhow::Result<PathBuf> {
    let path = Path::new(
        command
            .first()
            .context("it names no program; write [\"/usr/local/lib/revoked/crm\"]")?,
    );
    ensure!(
        path.is_absolute(),
        "{} is no whole path; write where the program is, from / on",
        path.display()
    );
    ensure!(
        command.iter().all(|word| !word.contains('\0')),
        "an argument holds a character that none can hold"
    );
    written_by_nobody_else(path)?;
    Ok(path.to_owned())
}

fn written_by_nobody_else(path: &Path) -> anyhow::Result<()> {
    file_modes::check_at("the program", path)?;
    file_modes::check_folder_of("the program", path)?;
    Ok(())
}

/// Whether the program at `path` could be run now, as far as whoever asks may look.
///
/// # Errors
/// What stands in the way.
pub fn can_be_run(path: &Path) -> anyhow::Result<()> {
    written_by_nobody_else(path)?;
    match std::fs::metadata(path) {
        Ok(meta) => {
            ensure!(meta.is_file(), "{} is no file", path.display());
            ensure!(
                meta.permissions().mode() & 0o111 != 0,
                "{} cannot be executed: chmod u+x {0}",
                path.display()
            );
            Ok(())
        }
        // The daemon's account may be let in where this one is not.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!("{} is not there", path.display()),
        Err(error) => Err(error).with_context(|| format!("looking at {}", path.display())),
    }
}

impl Program {
    /// Runs it to its end, with `input` on its standard input.
    ///
    /// # Errors
    /// Every [`RunError`]; by then nothing of its process group is left.
    pub async fn run(&self, input: &[u8]) -> Result<Output, RunError> {
        let mut command = Command::new(&self.path);
        command
            .args(&self.args)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .envs(self.environment.iter().map(|(name, value)| (name, value.expose_secret())))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|source| RunError::Start {
            path: self.path.clone(),
            source,
        })?;
        let lost = || RunError::Watch(io::Error::other("it has no process id"));
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
            .ok_or_else(lost)?;
        let group = Group(pid);
        // Seen ended, and not waited for: until then its number and that of its group stay its own.
        let end = tokio::task::spawn_blocking(move || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        let end = async {
            end.await
                .map_err(|error| RunError::Watch(error.into()))?
                .map_err(|error| RunError::Watch(error.into()))
        };
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(lost());
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let talk = async {
            let ((), (), ()) = tokio::try_join!(
                feed(stdin, input),
                fill(stdout, &mut out, self.output),
                fill(stderr, &mut err, self.output)
            )?;
            Ok(())
        };
        let ended = timeout(self.time, until_ended(talk, end, &group)).await;
        drop(group);
        // Killed or ended, so that this takes no time worth a limit.
        let status = child.wait().await.map_err(RunError::Watch)?;
        let said = self.told(&err);
        match (ended, status.code()) {
            (Err(_), _) => Err(RunError::Slow(self.time, said)),
            (Ok(Err(error)), _) => Err(error),
            (Ok(Ok(())), None) => Err(RunError::Killed(said)),
            (Ok(Ok(())), Some(code)) => Ok(Output { code, stdout: out, said }),
        }
    }

    /// The last of what was written to standard error.
    fn told(&self, bytes: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        let mut secrets: Vec<&str> = self.environment.iter().map(|(_, secret)| secret.expose_secret()).collect();
        // One may begin with another, and the rest of it would be left.
        secrets.sort_unstable_by_key(|secret| Reverse(secret.len()));
        for secret in secrets {
            text = text.replace(secret, "[secret]");
        }
        let text = text.trim();
        let from = text.char_indices().rev().nth(TOLD).map_or(0, |(at, _)| at);
        sanitized(&text[from..], 2 * TOLD)
    }
}

/// Waits until the program has ended and what it wrote is read. Whoever it left behind in its group is killed then.
async fn until_ended<E>(
    talk: impl Future<Output = Result<(), RunError>>,
    end: impl Future<Output = Result<E, RunError>>,
    group: &Group,
) -> Result<(), RunError> {
    let (mut talk, mut end) = (pin!(talk), pin!(end));
    tokio::select! {
        done = &mut talk => {
            done?;
            end.await.map(|_| ())
        }
        ended = &mut end => {
            ended?;
            _ = kill_process_group(group.0, Signal::KILL);
            timeout(DRAIN, talk).await.unwrap_or(Ok(()))
        }
    }
}

/// A program that reads nothing is none the worse for it.
async fn feed(mut pipe: impl AsyncWrite + Unpin, input: &[u8]) -> Result<(), RunError> {
    _ = pipe.write_all(input).await;
    _ = pipe.shutdown().await;
    Ok(())
}

async fn fill(pipe: impl AsyncRead + Unpin, into: &mut Vec<u8>, most: usize) -> Result<(), RunError> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    pipe.take(limit).read_to_end(into).await.map_err(RunError::Watch)?;
    if into.len() > most {
        Err(RunError::Flood(most))
    } else {
        Ok(())
    }
}
