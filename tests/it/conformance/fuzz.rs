//! Whatever comes is read or refused, and never a breakdown.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use revoked::clock::Clock;
use revoked::sources::{NoState, Push, Received};

use super::raw_http::Call;
use super::row::{Row, Sender};
use super::rows::PUSHED;

/// A source built from a row, and its sender.
struct Built {
    row: &'static Row,
    push: Arc<dyn Push>,
    sender: Box<dyn Sender>,
}

fn built(folder: &Path) -> Vec<Built> {
    let build = |row: &'static Row| {
        let sender = (row.sender)(folder);
        Built {
            row,
            push: row.build(folder, &Clock::system(), "", ""),
            sender,
        }
    };
    PUSHED.iter().map(build).collect()
}

fn request(call: &Call, more: &[(String, Vec<u8>)], body: Vec<u8>) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(call.method)
        .uri(&call.path)
        .body(Bytes::from(body))
        .unwrap();
    let said = call
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes()));
    for (name, value) in said.chain(more.iter().cloned()) {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&value)) {
            request.headers_mut().append(name, value);
        }
    }
    request
}

/// What is done to a body.
#[derive(Debug, Clone)]
enum Harm {
    Instead(Vec<u8>),
    Cut(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    None,
}

fn harm() -> impl Strategy<Value = Harm> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        bytes().prop_map(Harm::Instead),
        "[\\[{}\\]\":,a-z0-9. \\\\]{0,120}".prop_map(|text| Harm::Instead(text.into_bytes())),
        any::<prop::sample::Index>().prop_map(Harm::Cut),
        (any::<prop::sample::Index>(), 1_u8..).prop_map(|(at, by)| Harm::Flip(at, by)),
        (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, what)| Harm::Insert(at, what)),
        Just(Harm::None),
    ]
}

fn harmed(mut body: Vec<u8>, harm: &Harm) -> Vec<u8> {
    match harm {
        Harm::Instead(bytes) => body.clone_from(bytes),
        Harm::Cut(at) if !body.is_empty() => body.truncate(at.index(body.len())),
        Harm::Flip(at, by) if !body.is_empty() => {
            let at = at.index(body.len());
            body[at] ^= by;
        }
        Harm::Insert(at, what) => {
            let at = at.index(body.len() + 1);
            body.splice(at..at, what.iter().copied());
        }
        Harm::Cut(_) | Harm::Flip(..) | Harm::None => {}
    }
    body
}

fn header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = [
        "authorization",
        "content-type",
        "accept",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-other",
    ];
    let values = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        "(Bearer|Basic|v1,|sha256=)?[ -~]{0,60}".prop_map(String::into_bytes),
    ];
    (prop::sample::select(names.to_vec()).prop_map(str::to_owned), values)
}

#[test]
fn whatever_comes_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let all = built(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let strategy = (
        harm(),
        prop::collection::vec(header(), 0..3),
        prop::sample::select(&["POST", "GET", "PUT", "PATCH", "DELETE", "HEAD"][..]),
        any::<bool>(),
        "[!-~]{0,40}",
    );
    proptest!(config, |((harm, more, method, bare, below) in strategy)| {
        for of in &all {
            let mut call = of.sender.sound("hostile-1", "user01");
            if bare {
                call.headers.clear();
            }
            if method != "POST" {
                call.method = method;
                if let Ok(uri) = format!("{}/{below}", call.path).parse::<http::Uri>() {
                    call.path = uri.to_string();
                }
            }
            let request = request(&call, &more, harmed(call.body.clone(), &harm));
            let received = runtime.block_on(of.push.receive(&request, &NoState));
            match received {
                Ok(Received::Delivery(delivery) | Received::Answered(delivery, _)) => {
                    prop_assert_eq!(&delivery.source, of.row.kind);
                }
                Ok(Received::Reply(reply)) => prop_assert!(reply.status().as_u16() < 600),
                Err(rejection) => {
                    let answer = of.push.rejected(&rejection);
                    prop_assert!(answer.status().is_client_error() || answer.status().is_server_error(), "{}: {}", of.row.kind, rejection);
                    prop_assert!(!rejection.code.is_empty() && rejection.code.len() <= 60);
                    prop_assert!(rejection.description.chars().count() < 400, "{}", rejection);
                    prop_assert!(!rejection.description.contains("user01"), "{}", rejection);
                }
            }
        }
    });
}
