//! What is bad is refused as its protocol says, and leaves a record.

use super::daemon_fixture::DaemonFixture;
use super::raw_http::{Answer, Call, connect, exchange};
use super::row::Row;
use super::rows::PUSHED;

#[tokio::test]
async fn every_bad_delivery_is_refused_and_on_record_without_its_body() {
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        let bad = stage.sender(row).bad("bad-1", "user01");
        assert!(bad.len() > 5, "{}", row.kind);
        for (what, call) in &bad {
            let (answer, detail) = stage.refusal(row, what, call).await;
            assert!((400..500).contains(&answer.status), "{}: {what}: {answer:?}", row.kind);
            let digest = detail["body_sha256"].as_str().map(str::len);
            let unread = digest.is_none() && row.by_header.iter().any(|code| detail["code"] == *code);
            assert!(unread || digest == Some(64), "{}: {what}: {detail}", row.kind);
        }
        assert_eq!(stage.signals(row).await, 0, "{}", row.kind);
        // A key is used by what is stored under it, not by what was refused.
        let sound = stage.prepared(row, "bad-1", "user01").await;
        assert!(stage.answer(&sound).await.is_yes(), "{}", row.kind);
    }
    assert!(stage.alerts().await.is_empty());
}

#[tokio::test]
async fn what_http_says_of_a_delivery_is_checked_and_on_record() {
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        let good = stage.prepared(row, "http-1", "user01").await;
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            if row.methods.contains(&method) {
                continue;
            }
            let call = Call { method, ..good.clone() };
            let (answer, detail) = stage.refusal(row, method, &call).await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some(row.methods.join(", ").as_str())),
                "{}",
                row.kind
            );
            assert_eq!(detail["code"], "method_not_allowed", "{}", row.kind);
        }
        let sized = |size: usize| Call {
            body: [&good.body[..], &vec![b' '; size]].concat(),
            ..good.clone()
        };
        let gzip = Call {
            body: b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00".to_vec(),
            ..good.clone()
        };
        for (what, call, status, code) in [
            (
                "another content type",
                good.clone().but("content-type", Some("text/html")),
                415,
                "media_type",
            ),
            ("no content type", good.clone().but("content-type", None), 415, "media_type"),
            (
                "a content type like ours",
                good.clone().but("content-type", Some(&format!("{}x", good.media()))),
                415,
                "media_type",
            ),
            (
                "an encoding",
                good.clone().with("Content-Encoding", "gzip"),
                415,
                "content_encoding",
            ),
            (
                "a body packed by gzip",
                gzip.clone().with("Content-Encoding", "gzip"),
                415,
                "content_encoding",
            ),
            ("a body of a mebibyte more", sized(1 << 20), 413, "too_large"),
            ("a body of 3 MiB more", sized(3 << 20), 413, "too_large"),
            (
                "two content types",
                good.clone().with("Content-Type", good.media()),
                400,
                "header_twice",
            ),
            (
                "two authorizations",
                good.clone()
                    .with("Authorization", "Bearer a")
                    .with("Authorization", "Bearer a"),
                400,
                "header_twice",
            ),
        ] {
            // Of a sender that is proved the webhook reads what comes, whatever it is called, but what can be no JSON.
            if row.kind == "webhook" && matches!(what, "no content type" | "a content type like ours") {
                continue;
            }
            let (answer, detail) = stage.refusal(row, what, &call).await;
            assert_eq!(answer.status, status, "{}: {what}: {answer:?}", row.kind);
            assert_eq!(detail["code"], code, "{}: {what}", row.kind);
        }
        assert_eq!(stage.signals(row).await, 0, "{}", row.kind);
        assert!(stage.answer(&good).await.is_yes(), "{}", row.kind);
    }
}

#[tokio::test]
async fn two_lengths_and_a_body_that_breaks_off_are_refused() {
    // The same length twice is one length (RFC 9112 section 6.3).
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        let good = stage.prepared(row, "cut-1", "user01").await;
        let length = good.body.len().to_string();
        for (what, call) in [
            (
                "two lengths",
                good.clone().with("Content-Length", &length).with("Content-Length", "1"),
            ),
            (
                "a length and chunks",
                good.clone()
                    .with("Content-Length", &length)
                    .with("Transfer-Encoding", "chunked"),
            ),
            ("a length in words", good.clone().with("Content-Length", "ten")),
            ("a length below zero", good.clone().with("Content-Length", "-1")),
        ] {
            let answer = exchange(connect(stage.address()).await, &call.bytes()).await;
            assert!(
                answer.as_ref().is_none_or(|answer| answer.status == 400),
                "{}: {what}: {answer:?}",
                row.kind
            );
        }
        let whole = good.bytes();
        let mut broken = connect(stage.address()).await;
        tokio::io::AsyncWriteExt::write_all(&mut broken, &whole[..whole.len() - 10])
            .await
            .unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut broken).await.unwrap();
        let answer = exchange(broken, b"").await;
        assert!(
            answer.as_ref().is_none_or(|answer| answer.status == 400),
            "{}: {answer:?}",
            row.kind
        );
        assert_eq!(stage.signals(row).await, 0, "{}", row.kind);
        assert!(stage.answer(&good).await.is_yes(), "{}", row.kind);
    }
}

#[tokio::test]
async fn a_body_that_is_cut_or_not_utf_8_or_nests_deep_is_refused() {
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        let good = stage.prepared(row, "form-1", "user01").await;
        let with_body = |body: Vec<u8>| Call { body, ..good.clone() };
        let middle = good.body.len() / 2;
        let mut bad = vec![
            ("half a body", with_body(good.body[..middle].to_vec())),
            (
                "a body without its last byte",
                with_body(good.body[..good.body.len() - 1].to_vec()),
            ),
            ("no body", with_body(Vec::new())),
            (
                "a byte that is no text",
                with_body([&good.body[..middle], b"\xff", &good.body[middle + 1..]].concat()),
            ),
            (
                "a NUL",
                with_body([&good.body[..middle], b"\0", &good.body[middle..]].concat()),
            ),
            ("a body twice", with_body([&good.body[..], &good.body[..]].concat())),
        ];
        for levels in [40, 1000, 7000, 10_000, 100_000] {
            bad.extend(stage.sender(row).deep(levels).map(|call| ("deep JSON", call)));
        }
        for (what, call) in &bad {
            let (answer, _) = stage.refusal(row, what, call).await;
            assert!((400..500).contains(&answer.status), "{}: {what}: {answer:?}", row.kind);
        }
        assert_eq!(stage.signals(row).await, 0, "{}", row.kind);
        assert!(stage.answer(&good).await.is_yes(), "{}", row.kind);
    }
}

#[tokio::test]
async fn times_far_away_are_judged_as_the_protocol_says() {
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        for (ahead, taken, call) in stage.sender(row).at_other_times("time", "user01") {
            let what = format!("{}: {ahead} s", row.kind);
            if taken {
                let answer = stage.answer(&call).await;
                assert!(answer.is_yes(), "{what}: {answer:?}");
            } else {
                let (answer, _) = stage.refusal(row, &what, &call).await;
                assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
            }
        }
    }
}

impl DaemonFixture {
    /// The answer to a delivery that is refused, and the detail of the one entry that this left.
    async fn refusal(&self, row: &Row, what: &str, call: &Call) -> (Answer, serde_json::Value) {
        let before = self.entries(row, "delivery.rejected").await.len();
        let answer = self.answer(call).await;
        assert!(!answer.is_yes(), "{}: {what} was taken: {answer:?}", row.kind);
        let mut entries = self.entries(row, "delivery.rejected").await;
        assert_eq!(entries.len(), before + 1, "{}: {what}: {answer:?} left no record", row.kind);
        let detail = entries.remove(before)["detail"].take();
        assert!(
            detail["code"].as_str().is_some_and(|code| !code.is_empty()),
            "{}: {what}: {detail}",
            row.kind
        );
        assert!(!detail.to_string().contains("user01"), "{}: {what}: {detail}", row.kind);
        (answer, detail)
    }
}
