//! Commands of the command line, run by the daemon for whoever may open the socket of a role.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Json, Number};
use crate::console::Console;
use crate::console::caller::{Caller, Credential};
use crate::console::commands::{self, Frame, Handed, NotMeant, Order};
use crate::console::refusal::Refusal;
use crate::model::{Actor, error_chain};

/// How many words a command line has at most, and how many bytes a word: the system takes no longer ones.
const WORDS: usize = 1000;
const LONGEST_WORD: usize = 128 << 10;
const LONGEST_LINE: usize = 1 << 20;

/// A command line, and where it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCommand {
    /// The words behind the program's name, without `--config` and `--store`. A file that the command reads is `-`, and stands in `input`.
    #[schema(max_items = 1000)]
    words: Vec<String>,
    /// All words as they were typed, to be printed where the command is to be typed again.
    #[serde(default)]
    #[schema(max_items = 1000)]
    typed: Vec<String>,
    /// What stands on standard input, in base64.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 8_000_000)]
    input: Option<SecretString>,
    /// What the caller calls the file that stands there.
    #[serde(default)]
    #[schema(max_length = 4096)]
    file: Option<String>,
    /// How many columns the terminal has; absent where what is printed goes elsewhere.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1000)]
    width: Option<Number>,
    /// Whether colours are wanted.
    #[serde(default)]
    colour: bool,
    /// Whether ASCII alone can be shown.
    #[serde(default)]
    ascii: bool,
    /// The zone in which times are told, by its IANA name; the host's where it is absent.
    #[serde(default)]
    #[schema(max_length = 64)]
    zone: Option<String>,
}

/// Runs a command for whoever asks, by the socket of a role alone. What it prints comes as it comes, a frame on each line, and its exit code last. It ends
/// with the connection.
#[utoipa::path(post, path = "/api/v1/commands", tag = "commands", operation_id = "run_command", request_body = NewCommand,
    responses((status = 200, body = Frame, content_type = "application/x-ndjson")))]
pub(super) async fn run(State(console): State<Console>, caller: Caller, Json(new): Json<NewCommand>) -> Result<Response, Refusal> {
    let uid = match (&caller.by, &caller.operator) {
        (Credential::Socket, Actor::Operator { uid: Some(uid), .. }) => *uid,
        _ => {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "commands are run at the host alone, for whoever may open the socket of a role",
            ));
        }
    };
    let Some(commands) = &console.installation.commands else {
        return Err(Refusal::new(StatusCode::CONFLICT, "this daemon runs no commands"));
    };
    let NewCommand {
        words,
        typed,
        input,
        file,
        width,
        colour,
        ascii,
        zone,
    } = new;
    for words in [&words, &typed] {
        sound(words)?;
    }
    let width = width.map(|width| u16::try_from(width.0).ok().filter(|width| (1..=1000).contains(width)));
    if width == Some(None) {
        return Err(Refusal::unreadable("width: it is from 1 to 1000"));
    }
    let input = input.map(|input| STANDARD.decode(input.expose_secret())).transpose();
    let input = input
        .map_err(|_| Refusal::unreadable("input: it is not base64"))?
        .unwrap_or_default();
    let meant = (commands.reads)(&words).map_err(|why| match why {
        NotMeant::NotHere(why) => Refusal::new(StatusCode::FORBIDDEN, why),
        NotMeant::Wrong(why) => Refusal::meaningless(why),
    })?;
    if caller.role < meant.least {
        return Err(Refusal::role(caller.role, meant.least));
    }
    if let Some(zone) = &zone
        && crate::model::iana_zone(zone).is_none()
    {
        return Err(Refusal::meaningless("zone: it is no name of a zone"));
    }
    let place = console.places.enter(uid)?;
    let typed = if typed.is_empty() { words.clone() } else { typed };
    let order = Order {
        command: meant.command,
        words,
        handed: Handed {
            operator: caller.operator,
            typed,
            file,
            width: width.flatten(),
            ascii,
            zone,
        },
        colour,
        input,
    };
    let said = commands::start(commands, order, place, console.stop.clone()).map_err(|error| {
        tracing::error!(error = %error_chain(error.as_ref()), "a command could not be started");
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the daemon could not start the command; its log says why, under this request's id",
        )
    })?;
    let lines = stream::unfold(said, async |mut said| {
        let frame: Frame = said.recv().await?;
        let line = serde_json::to_vec(&frame).map(|mut line| {
            line.push(b'\n');
            Bytes::from(line)
        });
        Some((line, said))
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// Whether words can be those of a command line.
fn sound(words: &[String]) -> Result<(), Refusal> {
    let fits = words.len() <= WORDS
        && words.iter().all(|word| word.len() < LONGEST_WORD)
        && words.iter().map(String::len).sum::<usize>() <= LONGEST_LINE;
    if !fits {
        return Err(Refusal::unreadable("words: this is longer than a command line"));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Refusal::unreadable("words: one holds a character that none can hold"));
    }
    Ok(())
}
