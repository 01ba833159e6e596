//! The issuer's keys over HTTP: fetched when needed, never more than a few times a minute, and never a reason to lose a token.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use revoked::model::{Suspect, Timestamp};
use revoked::sources::{Push, RejectionKind};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{AUDIENCE, ISSUER, NOW, Stream, T1, build, claims, post};

const MINUTE: Duration = Duration::from_mins(1);

/// An issuer's key server, and a stream that asks it.
struct Issuer {
    server: MockServer,
    push: Arc<dyn Push>,
}

impl Issuer {
    async fn serving(answer: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        let text = format!(
            "issuer = {ISSUER:?}\naudience = {AUDIENCE:?}\njwks_url = \"{}/jwks\"\njwks_host = \"127.0.0.1\"\nalgorithms = [\"RS256\", \"EdDSA\"]",
            server.uri()
        );
        let push = build(&text, &Clock::fixed(Timestamp::from_seconds(NOW))).unwrap();
        let issuer = Self { server, push };
        issuer.serve(answer).await;
        issuer
    }

    /// Serves something else from now on.
    async fn serve(&self, answer: ResponseTemplate) {
        self.server.reset().await;
        Mock::given(method("GET"))
            .and(path("/jwks"))
            .respond_with(answer)
            .mount(&self.server)
            .await;
    }

    /// How often it was asked since it began to serve what it serves.
    async fn asked(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }

    /// `taken`, the error code, or `503 <seconds>`.
    async fn send(&self, signer: &Signer) -> String {
        let token = signer.sign(&claims()).unwrap();
        let Err(rejection) = self.push.receive(&post(&token), &revoked::sources::NoState).await else {
            return "taken".to_owned();
        };
        if let RejectionKind::NotNow(_) = rejection.kind {
            let response = self.push.rejected(&rejection);
            assert_eq!((response.status().as_u16(), response.body().len()), (503, 0));
            return format!("503 {}", response.headers()["retry-after"].to_str().unwrap());
        }
        super::error_of(&*self.push, &rejection)
    }
}

fn key(kid: &str) -> Signer {
    Signer::generate(kid, Algorithm::EdDsa).unwrap()
}

fn set(signers: &[&Signer]) -> ResponseTemplate {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk().unwrap()).collect();
    ResponseTemplate::new(200).set_body_json(json!({ "keys": keys }))
}

/// Lets the pacing clock pass by `by`, and runs again in real time, since sockets do not wait for a paused clock.
async fn pass(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

#[tokio::test]
async fn n12_a_hundred_unknown_kids_at_once_lead_to_one_fetch() {
    let (known, unknown) = (key("a"), key("unknown"));
    let issuer = Issuer::serving(set(&[&known]).set_delay(Duration::from_millis(50))).await;
    let answers = join_all((0..100).map(|_| issuer.send(&unknown))).await;
    assert!(answers.iter().all(|answer| answer == "invalid_key"), "{answers:?}");
    assert_eq!(issuer.asked().await, 1);
    assert_eq!(issuer.send(&known).await, "taken");
    assert_eq!(issuer.asked().await, 1);
}

#[tokio::test]
async fn a_key_that_has_just_been_made_is_taken_at_once() {
    let (old, new) = (key("old"), key("new"));
    let issuer = Issuer::serving(set(&[&old])).await;
    assert_eq!(issuer.send(&old).await, "taken");
    issuer.serve(set(&[&old, &new])).await;
    assert_eq!(issuer.send(&new).await, "taken");
    assert_eq!(issuer.asked().await, 1);
}

#[tokio::test]
async fn a_forger_with_one_name_is_refused_for_as_long_as_it_comes_and_costs_the_issuer_three_fetches_a_minute() {
    let (known, forger) = (key("known"), key("forged"));
    let issuer = Issuer::serving(set(&[&known])).await;
    assert_eq!(issuer.send(&known).await, "taken");
    for _ in 0..3 {
        for _ in 0..10 {
            assert_eq!(issuer.send(&forger).await, "invalid_key");
        }
        assert_eq!(issuer.asked().await, 3);
        issuer.serve(set(&[&known])).await;
        pass(MINUTE).await;
    }
}

#[tokio::test]
async fn made_up_names_are_put_off_and_counted_and_a_new_key_among_them_is_taken_within_the_minute() {
    let (known, new) = (key("known"), key("new"));
    let issuer = Issuer::serving(set(&[&known])).await;
    let refusal = async |signer: &Signer| {
        let token = signer.sign(&claims()).unwrap();
        let rejection = issuer
            .push
            .receive(&post(&token), &revoked::sources::NoState)
            .await
            .unwrap_err();
        let counts = issuer.push.rejected(&rejection).extensions().get::<Suspect>().is_some();
        (rejection.code, counts)
    };
    for n in 0..3 {
        assert_eq!(refusal(&key(&format!("made-up-{n}"))).await, ("invalid_key", false), "{n}");
    }
    assert_eq!(issuer.asked().await, 3);
    for n in 3..30 {
        assert_eq!(refusal(&key(&format!("made-up-{n}"))).await, ("unknown_key", true), "{n}");
    }
    // Published since: its sender is not told that it is bad, and comes again.
    issuer.serve(set(&[&known, &new])).await;
    let answer = issuer.send(&new).await;
    let wait: u64 = answer.strip_prefix("503 ").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{answer}");
    assert_eq!(issuer.asked().await, 0);
    pass(Duration::from_secs(wait)).await;
    assert_eq!(issuer.send(&new).await, "taken");
    assert_eq!(issuer.asked().await, 1);
}

#[tokio::test]
async fn what_is_not_signed_is_refused_and_no_key_is_looked_up_for_it() {
    let known = key("known");
    let issuer = Issuer::serving(ResponseTemplate::new(500)).await;
    for kid in ["known", "unknown"] {
        let token = key(kid).sign(&claims()).unwrap();
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        let unsigned = post(&format!("{unsigned}."));
        let rejection = issuer.push.receive(&unsigned, &revoked::sources::NoState).await.unwrap_err();
        assert_eq!(super::error_of(&*issuer.push, &rejection), "authentication_failed");
    }
    assert_eq!(issuer.asked().await, 0);
    assert!(issuer.send(&known).await.starts_with("503 "));
}

#[tokio::test]
async fn n13_an_unknown_kid_while_the_issuer_fails_is_put_off() {
    let known = key("a");
    let issuer = Issuer::serving(ResponseTemplate::new(500)).await;
    let answers = join_all((0..10).map(|_| issuer.send(&known))).await;
    assert!(answers.iter().all(|answer| answer.starts_with("503 ")), "{answers:?}");
    assert_eq!(issuer.asked().await, 1);
    issuer.serve(set(&[&known])).await;
    pass(MINUTE).await;
    assert_eq!(issuer.send(&known).await, "taken");
}

#[tokio::test]
async fn n14_after_a_rotation_the_new_key_is_taken_and_the_old_one_refused() {
    let (old, new) = (key("old"), key("new"));
    let issuer = Issuer::serving(set(&[&old])).await;
    assert_eq!(issuer.send(&old).await, "taken");
    issuer.serve(set(&[&new])).await;
    pass(MINUTE).await;
    assert_eq!(
        issuer.send(&old).await,
        "taken",
        "a cached key stays good until the next fetch"
    );
    assert_eq!(issuer.send(&new).await, "taken");
    assert_eq!(issuer.send(&old).await, "invalid_key");
    assert_eq!(issuer.asked().await, 2);
}

#[tokio::test]
async fn keys_are_fetched_again_after_an_hour() {
    let (old, new) = (key("old"), key("new"));
    let issuer = Issuer::serving(set(&[&old])).await;
    assert_eq!(issuer.send(&old).await, "taken");
    issuer.serve(set(&[&new])).await;
    pass(Duration::from_mins(59)).await;
    assert_eq!((issuer.send(&old).await.as_str(), issuer.asked().await), ("taken", 0));
    pass(MINUTE).await;
    assert_eq!((issuer.send(&old).await.as_str(), issuer.asked().await), ("invalid_key", 1));
}

#[tokio::test]
async fn old_keys_serve_for_a_day_while_the_issuer_fails() {
    let known = key("a");
    let issuer = Issuer::serving(set(&[&known])).await;
    assert_eq!(issuer.send(&known).await, "taken");
    issuer.serve(ResponseTemplate::new(503)).await;
    pass(Duration::from_hours(2)).await;
    assert_eq!(issuer.send(&known).await, "taken");
    assert_eq!(issuer.send(&known).await, "taken");
    assert_eq!(issuer.asked().await, 1, "a failing issuer is asked once a minute at most");
    pass(Duration::from_hours(22)).await;
    assert!(issuer.send(&known).await.starts_with("503 "));
}

#[tokio::test]
async fn a_sender_that_hangs_up_does_not_cost_the_others_their_fetch() {
    let known = key("a");
    let issuer = Issuer::serving(set(&[&known]).set_delay(Duration::from_millis(100))).await;
    let token = known.sign(&claims()).unwrap();
    let request = post(&token);
    {
        let first = issuer.push.receive(&request, &revoked::sources::NoState);
        tokio::pin!(first);
        // Polled until the request is at the issuer, then dropped.
        let arrived = async {
            while issuer.asked().await == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = &mut first => panic!("the answer takes a tenth of a second"),
            () = arrived => {}
        }
    }
    assert_eq!(issuer.send(&known).await, "taken");
    assert_eq!(issuer.asked().await, 1);
}

#[tokio::test]
async fn n16_keys_that_are_too_weak_or_for_something_else_are_refused() {
    let mut weak = T1.jwk().unwrap();
    weak["n"] = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, [0xc5; 128]).into();
    let mut encrypts = T1.jwk().unwrap();
    encrypts["use"] = "enc".into();
    let mut other = T1.jwk().unwrap();
    other["alg"] = "PS256".into();
    let mut curve = key("t1").jwk().unwrap();
    curve.as_object_mut().unwrap().remove("alg");
    for (jwk, why) in [(weak, "2048"), (encrypts, "use"), (other, "algorithm"), (curve, "algorithm")] {
        let issuer = Issuer::serving(ResponseTemplate::new(200).set_body_json(json!({ "keys": [jwk] }))).await;
        let rejection = issuer
            .push
            .receive(&post(&T1.sign(&claims()).unwrap()), &revoked::sources::NoState)
            .await
            .unwrap_err();
        assert_eq!(rejection.code, "invalid_key");
        assert!(rejection.description.contains(why), "{rejection}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_our_trouble_and_not_the_senders() {
    let known = key("a");
    let many: Vec<Value> = (0..65).map(|n| key(&n.to_string()).jwk().unwrap()).collect();
    let target = MockServer::start().await;
    Mock::given(path("/jwks")).respond_with(set(&[&known])).mount(&target).await;
    for answer in [
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({"keys": []})),
        ResponseTemplate::new(200).set_body_json(json!({ "keys": many })),
        ResponseTemplate::new(200).set_body_string(format!("{{\"keys\":[],\"x\":{:?}}}", "x".repeat(256 << 10))),
        ResponseTemplate::new(302).insert_header("location", format!("{}/jwks", target.uri())),
        ResponseTemplate::new(204),
    ] {
        let issuer = Issuer::serving(answer).await;
        assert!(issuer.send(&known).await.starts_with("503 "));
    }
    assert_eq!(
        target.received_requests().await.unwrap().len(),
        0,
        "a redirect is not followed"
    );
}

#[tokio::test]
async fn without_an_address_the_issuers_own_metadata_is_asked() {
    let known = T1.jwks().unwrap();
    let server = MockServer::start().await;
    let issuer = format!("{}/tenant", server.uri());
    let serve = async |named: &str| {
        server.reset().await;
        let document = json!({"issuer": named, "jwks_uri": format!("{}/keys", server.uri()), "spec_version": "1_0"});
        let answer = ResponseTemplate::new(200).set_body_json(document);
        Mock::given(path("/.well-known/ssf-configuration/tenant"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let answer = ResponseTemplate::new(200).set_body_json(&known);
        Mock::given(path("/keys")).respond_with(answer).mount(&server).await;
    };
    let mut claims = claims();
    claims["iss"] = issuer.as_str().into();
    let token = T1.sign(&claims).unwrap();
    let text = format!("issuer = {issuer:?}\naudience = {AUDIENCE:?}\n");
    let push = build(&text, &Clock::fixed(Timestamp::from_seconds(NOW))).unwrap();
    serve("https://other.example/").await;
    let rejection = push.receive(&post(&token), &revoked::sources::NoState).await.unwrap_err();
    assert!(matches!(rejection.kind, RejectionKind::NotNow(_)), "{rejection}");
    serve(&issuer).await;
    pass(MINUTE).await;
    assert!(push.receive(&post(&token), &revoked::sources::NoState).await.is_ok());
}

#[tokio::test]
async fn every_algorithm_that_may_be_allowed_works() {
    for algorithm in Algorithm::ALL {
        let signer = Signer::generate("k", algorithm).unwrap();
        let more = format!("algorithms = [\"{algorithm}\"]");
        let stream = Stream::with_keys(&signer.jwks().unwrap(), ISSUER, AUDIENCE, &more);
        assert!(stream.send(&signer.sign(&claims()).unwrap()).await.is_ok(), "{algorithm}");
    }
}
