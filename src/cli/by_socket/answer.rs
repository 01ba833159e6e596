//! What the daemon answers to a command: its frames, printed as they come.

use anyhow::{Context as _, bail};
use http::StatusCode;
use http::header::RETRY_AFTER;
use reqwest::Response;

use crate::cli::output::{Piece, Printer, remark};
use crate::cli::{Exit, UsageError};
use crate::console::commands::Frame;
use crate::http::{ANSWER_CAP, read_body};

/// How often a command is sent again where as many run as may.
const TRIES: u32 = 30;
/// How long it is waited before, where the daemon does not say.
const AGAIN: u64 = 1;

/// What became of a command that was sent.
pub(super) enum Sent {
    /// It ran.
    Ran(Exit),
    /// The daemon knows of no commands: it is older than this.
    Unknown,
}

/// Sends a command until the daemon takes it, and prints what it says. A command that only shows ends where nobody reads that any more.
///
/// # Errors
/// Where the daemon refuses it, or its answer breaks off.
pub(super) async fn follow(send: impl AsyncFn() -> reqwest::Result<Response>, only_shows: bool) -> anyhow::Result<Sent> {
    let mut tried = 0;
    loop {
        let answer = send()
            .await
            .map_err(reqwest::Error::without_url)
            .context("asking the daemon")?;
        let status = answer.status();
        if status == StatusCode::OK {
            return print(answer, only_shows).await.map(Sent::Ran);
        }
        let waits = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let body = read_body(answer, ANSWER_CAP).await?;
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        match status {
            StatusCode::NOT_FOUND => return Ok(Sent::Unknown),
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                return Err(UsageError(text("detail").trim_end().to_owned()).into());
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if waits.is_some() && tried < TRIES => {
                if tried == 0 {
                    remark(format!("{}: waiting for that", text("detail")));
                }
                tried += 1;
                tokio::time::sleep(std::time::Duration::from_secs(waits.unwrap_or(AGAIN))).await;
            }
            _ => bail!("the daemon refuses it: {} (request {})", text("detail"), text("request_id")),
        }
    }
}

async fn print(answer: Response, only_shows: bool) -> anyhow::Result<Exit> {
    let printer = Printer::begin();
    let ended = frames(answer, only_shows, &printer).await;
    printer.end().await.context("printing what the command says")?;
    ended
}

async fn frames(mut answer: Response, only_shows: bool, printer: &Printer) -> anyhow::Result<Exit> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(reqwest::Error::without_url)
        .context("the daemon went away before the command was over; what it has done stands")?
    {
        bytes.extend_from_slice(&chunk);
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = bytes.drain(..=end).collect();
            match serde_json::from_slice(&line).context("the daemon is of another version than this command: restart it")? {
                Frame::Out(text) => printer.print(Piece::Out(text)).await,
                Frame::Err(text) => printer.print(Piece::Err(text)).await,
                Frame::Exit(code) => return Ok(Exit::of_code(code)),
            }
        }
        if only_shows && !printer.is_read() {
            return Ok(Exit::Ok);
        }
    }
    bail!("the daemon ended the command before it was over; what it has done stands")
}
