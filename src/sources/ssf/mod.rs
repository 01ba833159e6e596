//! The source kinds `ssf` and `ssf-push`: a receiver of the Shared Signals Framework 1.0 with the events of CAEP 1.0 and RISC 1.0.
//!
//! Both read security event tokens in one way, in the order of the checks: the HTTP form and the `Authorization` header (`endpoint`), then the
//! token's form, header, issuer, key and signature, its claims, whom it is about and what it means (`tokens`).
//!
//! `ssf-push` ends there (`ssf_push`). `ssf` also makes the stream at the transmitter (`transmitter`), takes its tokens by push or fetches and
//! acknowledges them, and looks after it (`stream`). What it knows of its stream is in its stored state, never in the config.

mod endpoint;
mod settings;
mod ssf_push;
mod stream;
mod tokens;
mod transmitter;

use std::any::Any;
use std::sync::Arc;

use super::{Kind, Pull, Rejection, Source};
use crate::digest::sha256;
use stream::push_receiver::Receiver;
use stream::stream_supervisor::StreamSupervisor;

pub use ssf_push::KIND as PUSHED;
pub use stream::connect::{ConnectOutcome, Connected, Finding};
pub use stream::stream_config::Stream;
pub use stream::stream_health::PATIENCE;
pub use stream::stream_state::{StreamState, StreamStatus, VerificationRequest, verified_at};
pub use tokens::token_reader::{LATE, OUR_TXN};
pub use transmitter::management::{ManagementError, StreamDescription};
pub use transmitter::metadata::{Method, Transmitter};
pub use transmitter::subject_format::subject_identifier;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "ssf",
    about: "a stream of security events that we make at a transmitter, by push or by poll (SSF 1.0; CAEP and RISC events)",
    build: |settings, clock| {
        let stream = settings::build(settings, clock)?;
        let supervisor = Arc::new(StreamSupervisor::new(Arc::clone(&stream)));
        Ok(match stream.config.method {
            Method::Push => Source::Both(Arc::new(Receiver(stream)), supervisor),
            Method::Poll => Source::Pull(supervisor),
        })
    },
};

/// The largest token taken, in bytes. One with every optional member is below 4 KiB.
pub const BODY_CAP: usize = 256 << 10;

/// The stream behind a source of the kind `ssf`; `None` for any other.
#[must_use]
pub fn stream_of(source: &Source) -> Option<Arc<Stream>> {
    let pull: &dyn Pull = source.pull()?.as_ref();
    let supervisor = (pull as &dyn Any).downcast_ref::<StreamSupervisor>()?;
    Some(supervisor.stream())
}

/// A refusal with the digest of what was sent. What is too large is not worth the hashing.
fn named(rejection: Rejection, body: &[u8]) -> Rejection {
    Rejection {
        digest: (body.len() <= BODY_CAP).then(|| sha256(body)),
        ..rejection
    }
}
