//! The static bearer: several for rotation, any header, and what it does not protect.

use super::*;

const BODY: &str = r#"{"type":"revoked.request.v1","data":{"subject":{"format":"email","email":"a@b.example"},"reason":"logout"}}"#;

#[tokio::test]
async fn any_configured_bearer_is_taken_and_no_other() {
    let old = "the-bearer-that-is-still-in-use";
    let endpoint = Endpoint::new(&[BEARER, old], BY_BEARER);
    for value in [
        format!("Bearer {BEARER}"),
        format!("bearer {old}"),
        format!("BEARER   {BEARER}"),
    ] {
        endpoint.signal(&post(&[("authorization", &value)], BODY.as_bytes())).await;
    }
    for value in [
        BEARER.to_owned(),
        format!("Basic {BEARER}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {}", &BEARER[1..]),
        format!("Bearer {BEARER}x"),
        format!("Bearer {BEARER} {BEARER}"),
        String::new(),
    ] {
        let request = post(&[("authorization", &value)], BODY.as_bytes());
        assert_eq!(endpoint.refusal(&request).await, (401, "invalid_signature"), "{value}");
    }
    let nothing = post(&[], BODY.as_bytes());
    let rejection = endpoint.receive(&nothing).await.unwrap_err();
    assert_eq!(endpoint.push.rejected(&rejection).headers()["www-authenticate"], "Bearer");
    let twice = format!("Bearer {BEARER}");
    let twice = post(&[("authorization", &twice), ("authorization", &twice)], BODY.as_bytes());
    assert_eq!(endpoint.refusal(&twice).await.0, 401);
}

#[tokio::test]
async fn the_secret_may_stand_alone_in_any_header() {
    let endpoint = Endpoint::trusting("[bearer]\nheader = 'X-Token'\n");
    endpoint.signal(&post(&[("x-token", BEARER)], BODY.as_bytes())).await;
    assert_eq!(endpoint.refusal(&trusted(BODY)).await.0, 401);
    let alone = Endpoint::trusting("bearer = { scheme = '' }\n");
    alone.signal(&post(&[("authorization", BEARER)], BODY.as_bytes())).await;
    assert_eq!(alone.refusal(&trusted(BODY)).await.0, 401);
}

#[tokio::test]
async fn the_secret_may_stand_at_the_end_of_the_url() {
    let endpoint = Endpoint::trusting("bearer = { path = true }\n");
    assert!(endpoint.push.has_path_below("anything"));
    assert!(!Endpoint::trusting("").push.has_path_below("anything"));
    let at = |path: &str| {
        let mut request = post(&[], BODY.as_bytes());
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    endpoint.signal(&at(&format!("/signals/door/{BEARER}"))).await;
    for path in [
        "/signals/door",
        "/signals/door/",
        "/signals/door/other",
        &format!("/signals/door?{BEARER}"),
        &format!("/signals/door/{BEARER}/"),
    ] {
        assert_eq!(endpoint.refusal(&at(path)).await, (401, "invalid_signature"), "{path}");
    }
    // It is in one place: what other senders put into a header opens nothing.
    assert_eq!(endpoint.refusal(&trusted(BODY)).await.0, 401);
    assert!(endpoint.push.cautions()[1].contains("logs"));
}

#[tokio::test]
async fn the_same_body_is_the_same_signal_within_the_hour_and_another_one_later() {
    let at = |now: i64| Endpoint::at(now, &[BEARER], BY_BEARER);
    let start = NOW - NOW % 3600;
    let key = async |now: i64| at(now).mapped(BODY).await.key;
    let first = key(start).await;
    assert_eq!(first, key(start + 3599).await);
    assert_ne!(first, key(start + 3600).await);
    let other = at(start).mapped(&BODY.replace("a@b", "c@b")).await.key;
    assert_ne!(first, other);
}

#[test]
fn check_is_told_what_is_weak_about_it() {
    let cautions = Endpoint::trusting("").push.cautions();
    assert_eq!(cautions.len(), 1);
    assert!(
        cautions[0].contains("replay") && cautions[0].contains("changed body"),
        "{cautions:?}"
    );
    assert!(Endpoint::new(&[SECRET], "").push.cautions().is_empty());
    let short = Endpoint::new(&["short-secret"], BY_BEARER).push.cautions();
    assert!(
        short[1].contains("24 characters") && !short[1].contains("short-secret"),
        "{short:?}"
    );
    let undated = Endpoint::new(&["a secret of the usual length"], "preset = 'hibob'\n")
        .push
        .cautions();
    assert!(
        undated[0].contains("signs no time") && undated[1].contains("repetition"),
        "{undated:?}"
    );
    let named = Endpoint::new(&["a secret of the usual length"], "preset = 'github'\n")
        .push
        .cautions();
    assert_eq!(named.len(), 1, "{named:?}");
}
