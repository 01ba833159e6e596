//! Commands of whoever may not open the store, sent to the daemon by the socket of a role: it runs them there, and what they print is printed here.
//!
//! `table` says which role each command needs, or that it is for the host alone; `words` reads a command line by it, for the daemon as for
//! whoever sends one; `socket` finds the socket, `answer` prints what comes.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::handed::handed;
use super::output::terminal;
use super::store::permitted;
use super::{Exit, StoreArgs, UsageError, leaked, no_socket};
use crate::config;
use crate::http::{Bounds, client_at_socket};
use crate::model::Role;

mod answer;
mod socket;
mod table;
mod words;

use answer::{Sent, follow};
pub use table::{By, COMMANDS, Row};
pub(super) use words::meant;
use words::{NO_FILE, Read, with_input, without_ours};

/// The largest file that is sent, in bytes: a request's body holds no more.
const LARGEST: usize = 5_900_000;
/// How long a command may take, and a little: the daemon ends it before.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(5),
    read: Duration::from_mins(61),
    total: Duration::from_mins(61),
};

/// Sends the command that was typed, where this account may not open the store and may open a socket; nothing where the command is to run here.
///
/// # Errors
/// Where the daemon refuses it, or its file cannot be read.
pub(super) async fn sent(at: &StoreArgs) -> anyhow::Result<Option<Exit>> {
    // Root opens every file, and is named in the trail as what it is.
    if handed().is_some() || at.store.is_some() || rustix::process::geteuid().is_root() || opens_the_store(at) {
        return Ok(None);
    }
    let typed: Option<Vec<String>> = std::env::args_os().skip(1).map(|word| word.into_string().ok()).collect();
    let Some(typed) = typed else { return Ok(None) };
    let words = without_ours(&typed);
    let Ok(Some(read)) = Read::of(&words) else { return Ok(None) };
    let Ok(least) = read.least() else { return Ok(None) };
    let Some(folder) = config::console_sockets(&at.config) else {
        return Ok(None);
    };
    let socket = match socket::highest(&folder).await {
        Ok(socket) => socket,
        Err(why) => {
            no_socket::keep(why);
            return Ok(None);
        }
    };
    if let Some((argument, _)) = read.paths().into_iter().next() {
        return Err(UsageError(format!("{argument}: {NO_FILE}")).into());
    }
    let file = read.file();
    let input = input(&read, file.as_deref()).await?;
    let words = match &file {
        Some(file) => with_input(&words, file).ok_or_else(|| {
            UsageError(format!(
                "{file} stands in several places of the command; hand it in with - and < FILE"
            ))
        })?,
        None => words,
    };
    let screen = terminal();
    let order = json!({
        "words": words,
        "typed": typed,
        "input": input.map(|input| STANDARD.encode(input)),
        "file": file.filter(|file| file != "-"),
        "width": screen.width,
        "colour": anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
        "ascii": screen.ascii,
        "zone": screen.zone.iana_name(),
    });
    let client = client_at_socket(BOUNDS, &socket)?;
    let send = async || client.post("http://revoked/api/v1/commands").json(&order).send().await;
    match follow(send, least == Role::Viewer).await? {
        Sent::Ran(exit) => Ok(Some(exit)),
        Sent::Unknown => {
            no_socket::keep("the daemon that runs is older than this command, and takes none: restart it".to_owned());
            Ok(None)
        }
    }
}

/// Whether this account opens the store by itself, or is refused for a reason of its own.
fn opens_the_store(at: &StoreArgs) -> bool {
    match at.path() {
        Ok(path) => !matches!(permitted(&path), Err(crate::store::OpenError::NotOurs { .. })),
        // Whatever is wrong with the config is told by the command.
        Err(_) => std::fs::metadata(&at.config).is_ok() && std::fs::File::open(&at.config).is_ok(),
    }
}

/// What is sent on standard input: a file of the caller's, read here, or the credential that the command asks for.
async fn input(read: &Read, file: Option<&str>) -> anyhow::Result<Option<Vec<u8>>> {
    if read.row.credential {
        return leaked::handed_in(file.filter(|file| *file != "-").map(Into::into))
            .await
            .map(Some);
    }
    let Some(file) = file else { return Ok(None) };
    let bytes = super::input::read_input(Path::new(file), LARGEST as u64)?;
    if bytes.len() > LARGEST {
        return Err(UsageError(format!(
            "{file} is larger than the {LARGEST} bytes that are sent to the daemon; split it, or type the command as whoever owns the store"
        ))
        .into());
    }
    Ok(Some(bytes))
}
