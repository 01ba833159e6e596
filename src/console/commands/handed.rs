//! What the daemon tells a command that it runs for somebody: who that is, and what their terminal is like. It stands at the head of the child's
//! standard input, which is one end of a pair of sockets that the daemon made.
//!
//! That the daemon made it is what the kernel says (`SO_PEERCRED`): the peer's process is the child's parent and its account is the child's own, and the pair has no
//! name in the file system. Whoever may run `revoked` as that account by a rule of `sudo` makes sockets as somebody else, so no argument, variable or
//! input of theirs is taken for the daemon's word.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use anyhow::{Context as _, ensure};
use rustix::process::{geteuid, getppid};
use serde::{Deserialize, Serialize};

use crate::model::Actor;

/// Says that something stands at the head of standard input. It only says where to look: what stands there must prove itself.
const MARK: &str = "REVOKED_HANDED";
/// The longest head.
const LONGEST: usize = 1 << 20;

/// What a child is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// For whom it runs.
    pub operator: Actor,
    /// The command line as the caller typed it, to be printed where it is to be typed again.
    pub typed: Vec<String>,
    /// What the caller calls the file that stands on standard input.
    pub file: Option<String>,
    /// How many columns the caller's terminal has; none where there is no terminal.
    pub width: Option<u16>,
    /// Whether it shows ASCII alone.
    pub ascii: bool,
    /// The zone in which the caller reads times, by its IANA name; the host's where none is told.
    pub zone: Option<String>,
}

/// The two ends of what a child reads, and the variable that tells it to: the child's end, and ours, which has the head written.
pub(super) fn pair(handed: &Handed) -> anyhow::Result<(UnixStream, UnixStream, (&'static str, &'static str))> {
    let head = serde_json::to_vec(handed)?;
    ensure!(head.len() <= LONGEST, "the command line is too long");
    let (theirs, ours) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((theirs, ours, (MARK, "1")))
}

/// The head as it is written.
pub(super) fn head(handed: &Handed) -> anyhow::Result<Vec<u8>> {
    let body = serde_json::to_vec(handed)?;
    let mut head = u32::try_from(body.len())?.to_be_bytes().to_vec();
    head.write_all(&body)?;
    Ok(head)
}

/// What the daemon has handed to this process; nothing where it was started by anybody else in the usual way.
///
/// # Errors
/// Where it is said that something was handed over, and it was not the daemon that did.
pub fn taken() -> anyhow::Result<Option<Handed>> {
    if std::env::var_os(MARK).is_none() {
        return Ok(None);
    }
    let refused = || format!("{MARK} is the daemon's to set, and this was not started by it");
    let input = std::io::stdin().as_fd().try_clone_to_owned().with_context(refused)?;
    let peer = rustix::net::sockopt::socket_peercred(&input).with_context(refused)?;
    let mut input = UnixStream::from(input);
    let is_a_pair = || Ok::<_, std::io::Error>(input.peer_addr()?.is_unnamed() && input.local_addr()?.is_unnamed());
    ensure!(
        is_a_pair().with_context(refused)? && peer.uid == geteuid() && Some(peer.pid) == getppid(),
        refused()
    );
    let mut length = [0; 4];
    input.read_exact(&mut length).with_context(refused)?;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    ensure!(length <= LONGEST, refused());
    let mut head = vec![0; length];
    input.read_exact(&mut head).with_context(refused)?;
    Ok(Some(serde_json::from_slice(&head).with_context(refused)?))
}
