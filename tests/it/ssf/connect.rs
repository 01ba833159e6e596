//! Finding a transmitter and making a stream there: metadata, the management API, and every answer of its table.

use serde_json::{Value, json};

use super::stream_fixture::{ENDPOINT, SECRET, StreamFixture, build, push_settings};
use super::transmitter::{AUDIENCE, Manners, REVOKED};

const POLL: &str = "delivery = \"poll\"";

async fn poll_bench(manners: Manners) -> StreamFixture {
    StreamFixture::unconnected(manners, POLL).await
}

/// What connecting to a transmitter with this metadata says.
async fn complaint(metadata: Value) -> String {
    let bench = poll_bench(Manners {
        metadata,
        ..Manners::default()
    })
    .await;
    let error = bench.connect().await.expect_err("it connected");
    assert!(bench.transmitter.seen("POST").is_empty(), "it went on after {error:#}");
    format!("{error:#}")
}

#[tokio::test]
async fn metadata_is_found_between_host_and_path_and_must_be_the_issuers_own() {
    let bench = poll_bench(Manners {
        path: "/realms/staff",
        ..Manners::default()
    })
    .await;
    bench.connect().await.unwrap();
    assert_eq!(
        bench
            .transmitter
            .seen("GET /.well-known/ssf-configuration/realms/staff")
            .len(),
        1
    );
    assert!(
        complaint(json!({"issuer": "https://other.example"}))
            .await
            .contains("another issuer's")
    );
    assert!(complaint(json!({"issuer": null})).await.contains("another issuer's"));
}

#[tokio::test]
async fn the_token_goes_to_no_other_host_and_over_no_open_line() {
    let told = complaint(json!({"configuration_endpoint": "https://elsewhere.example/streams"})).await;
    assert!(told.contains("endpoint_host = \"elsewhere.example\""), "{told}");
    let told = complaint(json!({"status_endpoint": "http://elsewhere.example/status"})).await;
    assert!(told.contains("https"), "{told}");
    let told = complaint(json!({"verification_endpoint": "not a url"})).await;
    assert!(told.contains("verification_endpoint"), "{told}");
    // Where a stream is polled, the stream itself says.
    let bench = poll_bench(Manners::default()).await;
    let stream = json!({
        "stream_id": "s", "iss": bench.transmitter.issuer(), "aud": AUDIENCE, "events_delivered": [REVOKED],
        "delivery": {"method": "urn:ietf:rfc:8936", "endpoint_url": "https://elsewhere.example/poll"},
    });
    bench.transmitter.reply("/streams", 201, stream);
    let told = format!("{:#}", bench.connect().await.unwrap_err());
    assert!(told.contains("elsewhere.example"), "{told}");
}

#[tokio::test]
async fn metadata_that_redirects_is_no_json_or_is_too_large_is_refused() {
    for (status, body) in [
        (302, json!({})),
        (404, json!({})),
        (200, json!(["list"])),
        (200, json!({"issuer": "x".repeat(300 << 10)})),
    ] {
        let bench = poll_bench(Manners::default()).await;
        bench.transmitter.reply("ssf-configuration", status, body);
        bench.connect().await.unwrap_err();
        assert_eq!(bench.transmitter.seen("").len(), 1, "it asked on after {status}");
    }
}

#[tokio::test]
async fn older_versions_are_taken_and_unknown_ones_remarked_on() {
    for (version, remarked) in [
        (json!("1_0-ID3"), false),
        (Value::Null, false),
        (json!("1_0"), false),
        (json!("2_0"), true),
    ] {
        let bench = poll_bench(Manners {
            metadata: json!({"spec_version": version}),
            ..Manners::default()
        })
        .await;
        let connected = bench.connect().await.unwrap();
        let told = connected.found.iter().any(|found| found.what.contains("version"));
        assert_eq!(told, remarked, "{version}: {:?}", connected.found);
    }
}

#[tokio::test]
async fn a_stream_by_poll_is_made_with_what_a_receiver_may_decide_and_nothing_else() {
    let bench = StreamFixture::unconnected(
        Manners::default(),
        &format!("{POLL}\nevents = [\"session-revoked\", \"urn:example:odd\"]\ndescription = \"ours\""),
    )
    .await;
    let connected = bench.connect().await.unwrap();
    assert_eq!(connected.way.word(), "made");
    let made = bench.transmitter.seen("POST /streams").pop().unwrap();
    assert_eq!(
        made.body,
        json!({
            "delivery": {"method": "urn:ietf:rfc:8936"},
            "events_requested": [REVOKED, "urn:example:odd"],
            "description": "ours",
        })
    );
    assert_eq!(connected.missing, ["urn:example:odd"]);
    assert_eq!(
        connected.made.endpoint.as_deref().unwrap(),
        format!("{}/poll/stream-1", bench.transmitter.issuer())
    );
    assert!(connected.found.is_empty(), "{:?}", connected.found);
    assert_eq!(bench.made().await, connected.made);
}

#[tokio::test]
async fn a_stream_by_push_tells_the_transmitter_the_secret_and_keeps_it_nowhere() {
    let bench = StreamFixture::pushed(Manners::default(), "").await;
    let made = bench.transmitter.seen("POST /streams").pop().unwrap();
    assert_eq!(
        made.body["delivery"],
        json!({"method": "urn:ietf:rfc:8935", "endpoint_url": ENDPOINT, "authorization_header": SECRET})
    );
    let disk = bench.disk();
    assert!(disk.contains("stream-1") && !disk.contains("0123456789abcdef"));
}

#[tokio::test]
async fn the_stream_that_there_is_becomes_ours() {
    let there = |bench: &StreamFixture| {
        bench
            .transmitter
            .put_stream(&json!({"events_requested": ["urn:example:other"]}))
    };
    // Asked for something else: it is changed.
    let bench = poll_bench(Manners::default()).await;
    let id = there(&bench);
    let connected = bench.connect().await.unwrap();
    assert_eq!((connected.way.word(), connected.made.id), ("changed", id.clone()));
    let changed = bench.transmitter.seen("PATCH /streams").pop().unwrap().body;
    assert_eq!(changed["stream_id"], *id);
    assert_eq!(bench.transmitter.config()["events_requested"].as_array().unwrap().len(), 13);
    // As the config wants it: it is taken as it is, again and again.
    assert_eq!(bench.connect().await.unwrap().way.word(), "found");
    assert_eq!(bench.transmitter.streams(), [id]);

    // It cannot be changed in part: it is replaced.
    let bench = poll_bench(Manners::default()).await;
    let id = there(&bench);
    bench.transmitter.script("/streams", 409, None);
    bench.transmitter.reply("/streams", 200, json!([bench.transmitter.config()]));
    bench.transmitter.script("/streams", 405, None);
    assert_eq!(bench.connect().await.unwrap().way.word(), "changed");
    assert_eq!(bench.transmitter.seen("PUT /streams").len(), 1);
    assert_eq!(bench.transmitter.streams(), [id]);

    // It cannot be changed at all: it is made anew.
    let bench = poll_bench(Manners {
        interop: true,
        ..Manners::default()
    })
    .await;
    let id = there(&bench);
    let connected = bench.connect().await.unwrap();
    assert_eq!(connected.way.word(), "made anew");
    assert_ne!(bench.transmitter.streams(), [id]);

    // It is changed later: what it is like now is read again.
    let bench = poll_bench(Manners {
        later: true,
        ..Manners::default()
    })
    .await;
    there(&bench);
    assert_eq!(bench.connect().await.unwrap().way.word(), "changed");
}

#[tokio::test]
async fn another_receivers_stream_is_not_taken() {
    let bench = StreamFixture::unconnected(Manners::default(), &push_settings()).await;
    let other = |url: &str| json!({"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": url}});
    bench.transmitter.put_stream(&other("https://one.example/"));
    bench.transmitter.put_stream(&other("https://two.example/"));
    let told = format!("{:#}", bench.connect().await.unwrap_err());
    assert!(told.contains("stream-1, stream-2"), "{told}");
    assert!(bench.transmitter.seen("PATCH").is_empty());
    // Among several the one at our own address is ours.
    bench.transmitter.put_stream(&other(ENDPOINT));
    assert_eq!(bench.connect().await.unwrap().made.id, "stream-3");
}

#[tokio::test]
async fn a_stream_that_was_lost_is_made_again() {
    let bench = StreamFixture::polled(Manners::default(), "").await;
    bench.transmitter.lose_streams();
    let connected = bench.connect().await.unwrap();
    assert_eq!((connected.way.word(), connected.made.id.as_str()), ("made", "stream-2"));
}

#[tokio::test]
async fn what_makes_a_stream_useless_is_told() {
    let said = async |manners: Manners| {
        let connected = poll_bench(manners).await.connect().await.unwrap();
        let found = connected.found.into_iter();
        found
            .map(|found| format!("{} {}", found.fatal, found.what))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let told = said(Manners {
        audience: "https://somebody.else",
        ..Manners::default()
    })
    .await;
    assert!(
        told.starts_with("true the stream's aud is [\"https://somebody.else\"]"),
        "{told}"
    );
    let told = said(Manners {
        stream: json!({"events_delivered": []}),
        ..Manners::default()
    })
    .await;
    assert!(told.starts_with("true the transmitter delivers none"), "{told}");
    let told = said(Manners {
        stream: json!({"events_delivered": ["https://schemas.openid.net/secevent/caep/event-type/credential-change"]}),
        metadata: json!({"default_subjects": "NONE", "verification_endpoint": null}),
        ..Manners::default()
    })
    .await;
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    for (line, word) in lines
        .iter()
        .zip(["session-revoked will not come", "add-subject idp", "silence is never noticed"])
    {
        assert!(line.starts_with("false ") && line.contains(word), "{line}");
    }
}

#[tokio::test]
async fn a_stream_of_another_issuer_or_method_is_not_used() {
    for stream in [
        json!({"iss": "https://other.example"}),
        json!({"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": "https://x.example"}}),
    ] {
        let bench = poll_bench(Manners {
            stream,
            ..Manners::default()
        })
        .await;
        bench.connect().await.unwrap_err();
    }
    let told = complaint(json!({"delivery_methods_supported": ["urn:ietf:rfc:8935"]})).await;
    assert!(told.contains("does not offer delivery by poll"), "{told}");
    let legacy = json!({"delivery_methods_supported": ["https://schemas.openid.net/secevent/risc/delivery-method/poll"]});
    let bench = poll_bench(Manners {
        metadata: legacy,
        ..Manners::default()
    })
    .await;
    bench.connect().await.unwrap();
}

#[tokio::test]
async fn every_refusal_of_the_management_api_is_told_with_what_to_do() {
    for (status, word) in [
        (400, "events"),
        (401, "give it a new one"),
        (403, "ssf.manage"),
        (429, "too often"),
        (500, "500"),
        (503, "503"),
    ] {
        let bench = poll_bench(Manners::default()).await;
        bench.transmitter.script("/streams", status, None);
        let told = format!("{:#}", bench.connect().await.unwrap_err());
        assert!(told.contains("making a stream") && told.contains(word), "{told}");
    }
    let bench = StreamFixture::polled(Manners::default(), "").await;
    let (stream, made) = (bench.stream(), bench.made().await);
    let subject = json!({"format": "email", "email": "alice@example.org"});
    for status in [400, 401, 403, 404, 429] {
        bench.transmitter.script("/add", status, Some(1));
        bench.transmitter.script("/remove", status, None);
        bench.transmitter.script("/verify", status, None);
        bench.transmitter.script("/status", status, None);
        let errors = [
            stream.add_subject(&made, &subject).await.unwrap_err(),
            stream.remove_subject(&made, &subject).await.unwrap_err(),
            stream.ask(&made, "state").await.unwrap_err().into(),
            stream.set_status(&made, "paused", None).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
    }
}

#[tokio::test]
async fn subjects_and_status_are_set_read_and_ended() {
    let bench = StreamFixture::polled(Manners::default(), "").await;
    let (stream, made) = (bench.stream(), bench.made().await);
    let subject = json!({"format": "email", "email": "alice@example.org"});
    stream.add_subject(&made, &subject).await.unwrap();
    assert_eq!(bench.transmitter.subjects(), std::slice::from_ref(&subject));
    stream.remove_subject(&made, &subject).await.unwrap();
    assert!(bench.transmitter.subjects().is_empty());
    stream.set_status(&made, "paused", Some("maintenance")).await.unwrap();
    assert_eq!(bench.transmitter.status(), "paused");
    let (_, status) = stream.as_it_is(&made).await.unwrap();
    assert_eq!(status.unwrap().0, "paused");
    stream.disconnect(&made).await.unwrap();
    assert!(bench.transmitter.streams().is_empty());
    // Somebody else was faster: it is gone, which is what was wanted.
    stream.disconnect(&made).await.unwrap();
}

#[tokio::test]
async fn a_token_of_an_authorization_server_is_had_kept_and_had_again_when_it_is_refused() {
    let oauth = "delivery = \"poll\"\noauth = { token_url = \"{issuer}/token\", client_id = \"revoked\", client_secret = { file = \"{folder}/token\" } }";
    let bench = StreamFixture::unconnected(Manners::default(), oauth).await;
    bench.connect().await.unwrap();
    let asked = |n: usize| assert_eq!(bench.transmitter.seen("POST /token").len(), n);
    asked(1);
    bench.settle().await;
    asked(1);
    bench.transmitter.script("stream-1", 401, None);
    bench.look().await.unwrap();
    asked(2);
    bench.transmitter.script("/token", 400, None);
    bench.transmitter.script("stream-1", 401, None);
    let told = format!("{:#}", bench.look().await.unwrap_err());
    assert!(
        told.contains("client_secret") && !told.contains("the-receivers-token"),
        "{told}"
    );
}

#[test]
fn what_does_not_fit_together_is_complained_about() {
    let told = |more: &str| {
        build(&format!("issuer = \"https://tr.example.com\"\naudience = \"us\"\n{more}"))
            .err()
            .unwrap_or_default()
    };
    let one = |more: &str, word: &str| {
        let complaints = told(more);
        assert!(
            complaints.iter().any(|complaint| complaint.contains(word)),
            "{more}: {complaints:?}"
        );
    };
    one("delivery = \"poll\"", "write token, or oauth");
    one("delivery = \"pull\"", "poll");
    one(
        "delivery = \"poll\"\nendpoint = \"https://us.example\"",
        "endpoint is for delivery = \"push\" only",
    );
    one("delivery = \"push\"", "endpoint must be");
    one("delivery = \"push\"", "authorization is needed");
    one("delivery = \"push\"\nendpoint = \"http://us.example\"", "https");
    one("delivery = \"poll\"\nmax_events = 0", "max_events");
    one("delivery = \"poll\"\nevents = []", "events");
    one("delivery = \"poll\"\nverify_every = \"1s\"", "verify_every");
    one("delivery = \"poll\"\npoll_every = \"10ms\"", "poll_every");
    one("delivery = \"poll\"\naudiense = \"x\"", "did you mean `audience`");
    one("delivery = \"poll\"\ntokn = { file = \"x\" }", "did you mean `token`");
    let complaints = build("issuer = \"idp\"\naudience = \"us\"\ndelivery = \"poll\"")
        .err()
        .unwrap();
    assert!(!complaints.is_empty());
}
