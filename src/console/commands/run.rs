//! One command as a child of the daemon: the same program, with the daemon's config and without its environment, in a process group of its own that
//! ends with the caller's connection. What it prints comes back as it comes; whoever does not read it holds it up.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::handed::{self, Handed};
use super::{Commands, Frame, Place};
use crate::bounded_program::Group;

/// The program that runs, whatever has become of its file since: after an upgrade it is still the version that the daemon has, as the store is.
const PROGRAM: &str = "/proc/self/exe";
/// How long a command may take. What follows something goes on after it has ended.
const LONGEST: Duration = Duration::from_hours(1);
/// How long a caller may take to read how it ended.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// What is said where it was ended, on standard error.
const STOPPED: &str = "revoked: the daemon stops, and has ended this command; what it has done stands\n";
const TOO_LONG: &str = "revoked: a command by the socket of a role is ended after an hour; what it has done stands, type it again to go on following\n";
/// How much is read at once.
const PIECE: usize = 16 << 10;
/// How many frames wait for a caller who is slow.
const FRAMES: usize = 4;

/// What is to be run.
pub(in crate::console) struct Order {
    pub(in crate::console) command: &'static str,
    pub(in crate::console) words: Vec<String>,
    pub(in crate::console) handed: Handed,
    pub(in crate::console) colour: bool,
    pub(in crate::console) input: Vec<u8>,
}

/// Starts a command, and gives what it says, frame by frame. It ends where nobody takes these any more, or at `stop`.
///
/// # Errors
/// Where the system does not let it start.
pub(in crate::console) fn start(
    commands: &Commands,
    order: Order,
    place: Place,
    stop: CancellationToken,
) -> anyhow::Result<mpsc::Receiver<Frame>> {
    let (theirs, ours, mark) = handed::pair(&order.handed)?;
    let mut globals = vec![OsString::from("--config"), commands.config.clone().into_os_string()];
    if let Some(store) = &commands.store {
        globals.extend([OsString::from("--store"), store.clone().into_os_string()]);
    }
    let mut command = Command::new(PROGRAM);
    command
        .arg0("revoked")
        .args(globals)
        .args(&order.words)
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env(mark.0, mark.1)
        .env(if order.colour { "CLICOLOR_FORCE" } else { "NO_COLOR" }, "1")
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().context("starting the program that the daemon is")?;
    // The end that is the child's is closed here with it.
    drop(command);
    let group = Group::of(&child).context("the child has no process id")?;
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        anyhow::bail!("the child has no outputs");
    };
    let head = handed::head(&order.handed)?;
    let input = UnixStream::from_std(ours)?;
    let (frames, said) = mpsc::channel(FRAMES);
    let run = Run {
        child,
        group,
        frames,
        stop,
        _place: place,
    };
    let Order {
        command,
        handed,
        input: bytes,
        ..
    } = order;
    let course = async move {
        let feed = tokio::spawn(async move {
            let mut input = input;
            // A command that reads nothing is none the worse for it.
            _ = input.write_all(&head).await;
            _ = input.write_all(&bytes).await;
            _ = input.shutdown().await;
        });
        let exit = run.until_it_ends(out, err).await;
        feed.abort();
        tracing::info!(operator = %handed.operator, command, exit, "ran a command for somebody");
    };
    tokio::spawn(course.in_current_span());
    Ok(said)
}

/// A command that runs.
struct Run {
    child: Child,
    group: Group,
    frames: mpsc::Sender<Frame>,
    stop: CancellationToken,
    _place: Place,
}

impl Run {
    /// Hands on what it says until it has ended, and its exit code with it; nothing is answered where it was ended.
    async fn until_it_ends(self, out: impl AsyncRead + Unpin, err: impl AsyncRead + Unpin) -> Option<i32> {
        let until = Instant::now() + LONGEST;
        let talk = async { tokio::join!(told(out, &self.frames, Frame::Out), told(err, &self.frames, Frame::Err)) };
        let why = tokio::select! {
            _ = talk => None,
            () = self.frames.closed() => None,
            () = self.stop.cancelled() => Some(STOPPED),
            () = sleep_until(until) => Some(TOO_LONG),
        };
        let Self {
            mut child,
            group,
            frames,
            ..
        } = self;
        // What it prints to is closed when it ends, not before; so nothing but what it left behind in its group is killed here, unless it was to end.
        // And before it is waited for: until then the number of the group is nobody else's.
        drop(group);
        let exit = child.wait().await.ok().and_then(|status| status.code());
        if let Some(word) = why {
            _ = timeout(LAST_WORDS, frames.send(Frame::Err(word.to_owned()))).await;
        }
        _ = timeout(LAST_WORDS, frames.send(Frame::Exit(exit.unwrap_or(1)))).await;
        exit
    }
}

/// Hands on what comes, cut between characters.
async fn told(mut from: impl AsyncRead + Unpin, frames: &mpsc::Sender<Frame>, frame: fn(String) -> Frame) {
    let mut bytes = Vec::with_capacity(PIECE);
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await.unwrap_or(0);
        bytes.extend_from_slice(&piece[..read]);
        let whole = if read == 0 { bytes.len() } else { whole_characters(&bytes) };
        if whole > 0 {
            let text = String::from_utf8_lossy(&bytes[..whole]).into_owned();
            bytes.drain(..whole);
            if frames.send(frame(text)).await.is_err() {
                return;
            }
        }
        if read == 0 {
            return;
        }
    }
}

/// How many of these bytes are whole characters: all but the beginning of one at their end.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80);
    match tail {
        Some(at) if at < 4 => {
            let begin = bytes.len() - at - 1;
            match std::str::from_utf8(&bytes[begin..]) {
                Err(error) if error.error_len().is_none() => begin,
                _ => bytes.len(),
            }
        }
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_said_comes_back_whole_however_it_is_cut() {
        let text = "café · 3 → 0 …\u{1f512} end";
        for cut in 1..8 {
            let (mut writes, reads) = tokio::io::duplex(cut);
            let (frames, mut said) = mpsc::channel(64);
            let write = async move {
                writes.write_all(text.as_bytes()).await.unwrap();
            };
            let read = async move {
                told(reads, &frames, Frame::Out).await;
            };
            let gather = async {
                let mut whole = String::new();
                while let Some(Frame::Out(piece)) = said.recv().await {
                    whole.push_str(&piece);
                }
                whole
            };
            let ((), (), whole) = tokio::join!(write, read, gather);
            assert_eq!(whole, text, "{cut}");
        }
    }
}
