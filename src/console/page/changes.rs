//! The stream that says that a page is out of date. It says that alone: what has changed is read with the page, by whoever may.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::console::streams::Place;

/// How long a stream lasts: then the browser opens another, and shows again who it is.
const LIFE: Duration = Duration::from_secs(30);
/// After what silence something is said, so that both sides know that the other is there.
const SILENCE: Duration = Duration::from_secs(10);
/// The first words: how long a browser waits before it opens the next.
const BEGIN: &str = "retry: 1000\n\n";

/// One open stream.
struct Told {
    changes: watch::Receiver<u64>,
    stop: CancellationToken,
    until: tokio::time::Instant,
    begun: bool,
    place: Place,
}

impl Told {
    /// The next words; `None` at the end.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if !self.begun {
            self.begun = true;
            return Some((Ok(Bytes::from_static(BEGIN.as_bytes())), self));
        }
        let said = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            () = self.place.over.cancelled() => return None,
            () = tokio::time::sleep_until(self.until) => return None,
            changed = self.changes.changed() => {
                changed.ok()?;
                "event: changed\ndata: \n\n"
            }
            () = tokio::time::sleep(SILENCE) => ": \n\n",
        };
        Some((Ok(Bytes::from_static(said.as_bytes())), self))
    }
}

/// The words of a stream for whoever asks.
pub(super) async fn stream(State(console): State<Console>, caller: Caller) -> Result<Response, Refusal> {
    let place = console.streams.enter(caller.by).ok_or_else(|| {
        Refusal::new(
            http::StatusCode::SERVICE_UNAVAILABLE,
            "too many pages are open: this one is read again by hand",
        )
    })?;
    let told = Told {
        changes: console.changes.subscribe(),
        stop: console.stop.clone(),
        until: tokio::time::Instant::now() + LIFE,
        begun: false,
        place,
    };
    let body = Body::from_stream(stream::unfold(told, Told::next));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}
