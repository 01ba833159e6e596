//! Lists: whole, or an error.

use std::sync::atomic::{AtomicUsize, Ordering};

use revoked::model::GrantKind;
use revoked::targets::Remedy;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, ResponseTemplate};

use super::server::{Wiki, remedy};

/// A description whose keys are listed so.
fn listed(paging: &str, more: &str) -> String {
    format!(
        r#"name = "list"
about = "lists"
needs = ["token"]
[auth]
headers = {{ Authorization = "Bearer {{secret.token}}" }}
[[answer]]
status = 501
means = "off"
why = "the licence does not cover keys"
[self]
call = "GET /me"
id = "/id"
[[resolve]]
by = "username"
call = "GET /people/{{name}}"
nobody = [{{ status = 404, pointer = "/error", equals = "nobody" }}]
[principal]
call = "GET /people/{{id}}"
id = "/id"
names = [{{ pointer = "/id", is = "username" }}]
[[grant]]
kind = "api_key"
call = "GET /keys?of={{id}}"
paging = {paging}
id = "/id"
{more}
[not_covered]
"#
    )
}

/// A server that answers a list with what `answer` makes of a request.
async fn server(paging: &str, more: &str, answer: impl Fn(&Request) -> ResponseTemplate + Send + Sync + 'static) -> Wiki {
    let more = if more.contains("items") {
        more.to_owned()
    } else {
        format!("items = \"/keys\"\n{more}")
    };
    let wiki = Wiki::of(&listed(paging, &more), "").await;
    wiki.get("/me", 200, &json!({"id": "operator"})).await;
    wiki.get("/people/alice", 200, &json!({"id": "alice"})).await;
    Mock::given(method("GET"))
        .and(path("/keys"))
        .respond_with(answer)
        .mount(&wiki.mock)
        .await;
    wiki
}

/// The ids that are listed, and whether that is all.
async fn ids(wiki: &Wiki) -> (Vec<String>, bool) {
    let alice = wiki.one("username:alice").await;
    let access = wiki.observe(&alice).await.unwrap();
    let ids = access.grants.iter().map(|grant| grant.name.id.clone()).collect();
    (ids, access.listed.contains(&GrantKind::ApiKey))
}

async fn failure(wiki: &Wiki) -> (Remedy, String) {
    let alice = wiki.one("username:alice").await;
    remedy(wiki.observe(&alice).await)
}

fn query(request: &Request, name: &str) -> Option<String> {
    let mut pairs = request.url.query_pairs();
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn number(request: &Request, name: &str) -> usize {
    query(request, name).map_or(0, |number| number.parse().unwrap())
}

fn keys(range: std::ops::Range<usize>) -> Value {
    json!({"keys": range.map(|n| json!({"id": n})).collect::<Vec<_>>()})
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

#[tokio::test]
async fn pages_are_read_until_one_is_empty_even_where_one_is_shorter_than_asked_for() {
    let pages = [0..2, 2..3, 3..5, 5..5];
    let by_page = pages.clone();
    let wiki = server(
        "{ page = \"p\", count = \"size\", size = 2, first = 0 }",
        "",
        move |request| {
            assert_eq!(number(request, "size"), 2);
            ok(keys(by_page[number(request, "p")].clone()))
        },
    )
    .await;
    assert_eq!(ids(&wiki).await, (["0", "1", "2", "3", "4"].map(String::from).into(), true));
    let offsets = server("{ offset = \"from\" }", "", move |request| {
        let from = number(request, "from");
        ok(keys(pages.iter().find(|page| page.start == from).unwrap().clone()))
    })
    .await;
    assert_eq!(ids(&offsets).await.0.len(), 5);
}

#[tokio::test]
async fn a_list_that_counts_itself_must_come_whole() {
    let scim = "{ start_index = \"startIndex\", count = \"count\", size = 2, total = \"/total\" }";
    let page = |request: &Request, total: usize, there: usize| {
        let from = number(request, "startIndex") - 1;
        let mut body = keys(from.min(there)..(from + 1).min(there));
        body["total"] = json!(total);
        ok(body)
    };
    let whole = server(scim, "", move |request| page(request, 3, 3)).await;
    assert_eq!(ids(&whole).await, (["0", "1", "2"].map(String::from).into(), true));
    let short = server(scim, "", move |request| page(request, 3, 2)).await;
    let (what, why) = failure(&short).await;
    assert!(
        what == Remedy::Retry && why.contains("2 items came, and the list says that it has 3"),
        "{why}"
    );
    let none = server(scim, "", |_| ok(json!({"total": 0}))).await;
    assert_eq!(ids(&none).await, (Vec::new(), true));
    let uncounted = server(scim, "", |_| ok(keys(0..0))).await;
    assert!(failure(&uncounted).await.1.contains("no number of items at /total"));
}

#[tokio::test]
async fn a_list_that_changes_while_it_is_read_is_an_error() {
    let scim = "{ start_index = \"startIndex\", count = \"count\", size = 2, total = \"/total\" }";
    for later in [3, 5] {
        let changed = server(scim, "", move |request| {
            let from = number(request, "startIndex") - 1;
            let mut body = keys(from..from + 2);
            body["total"] = json!(if from == 0 { 4 } else { later });
            ok(body)
        })
        .await;
        let (what, why) = failure(&changed).await;
        assert!(
            what == Remedy::Retry && why.contains("the list changed while it was read"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn what_counts_of_a_list_is_known_by_an_id_that_is_a_number_too() {
    let of_us = "where = [{ pointer = \"/owner\", equals = \"{id}\" }]";
    let wiki = Wiki::of(&listed("\"none\"", &format!("items = \"/keys\"\n{of_us}")), "").await;
    wiki.get("/me", 200, &json!({"id": 1})).await;
    wiki.get("/people/7", 200, &json!({"id": 7})).await;
    let all =
        json!({"keys": [{"id": "a", "owner": 7}, {"id": "b", "owner": "7"}, {"id": "c", "owner": 8}, {"id": "d", "owner": 7.5}]});
    wiki.get("/keys", 200, &all).await;
    let seven = wiki.one("username:7").await;
    let access = wiki.observe(&seven).await.unwrap();
    let ids: Vec<&str> = access.grants.iter().map(|grant| grant.name.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[tokio::test]
async fn a_cursor_is_followed_to_its_end_and_never_in_a_circle() {
    let cursor = "{ cursor = \"/next\", send = \"after\" }";
    let answer = |last: Value| {
        move |request: &Request| {
            let from = number(request, "after");
            let mut body = keys(from..from + 2);
            body["next"] = if from < 4 {
                json!((from + 2).to_string())
            } else {
                last.clone()
            };
            ok(body)
        }
    };
    for last in [json!(""), json!(null)] {
        assert_eq!(ids(&server(cursor, "", answer(last)).await).await.0.len(), 6);
    }
    let (what, why) = failure(&server(cursor, "", answer(json!("2"))).await).await;
    assert!(what == Remedy::Retry && why.contains("the same cursor came twice"), "{why}");
    let (_, why) = failure(&server(cursor, "", answer(json!({"a": 1}))).await).await;
    assert!(why.contains("names no next page"), "{why}");
}

#[tokio::test]
async fn a_next_page_is_followed_at_the_same_origin_only() {
    let pages = |elsewhere: &'static str| {
        move |request: &Request| {
            let from = number(request, "from");
            let next = if from == 0 {
                format!("{elsewhere}/keys?of=alice&from=2")
            } else {
                String::new()
            };
            let mut body = keys(from..from + 2);
            body["next"] = json!(next);
            let answer = ok(body);
            if from == 0 {
                answer
                    .append_header("link", "</keys?from=9>; rel=\"last\"")
                    .append_header("link", format!("<{next}>; rel=\"next\"").as_str())
            } else {
                answer
            }
        }
    };
    for paging in ["{ next_url = \"/next\" }", "{ link = \"next\" }"] {
        assert_eq!(ids(&server(paging, "", pages("")).await).await.0, ["0", "1", "2", "3"]);
        let stranger = wiremock::MockServer::start().await;
        let elsewhere: &'static str = stranger.uri().leak();
        let (what, why) = failure(&server(paging, "", pages(elsewhere)).await).await;
        assert!(what == Remedy::Retry && why.contains("another origin"), "{why}");
        assert!(
            stranger.received_requests().await.unwrap().is_empty(),
            "our credential went elsewhere"
        );
    }
    let circle = server("{ next_url = \"/next\" }", "", |_| {
        ok(json!({"keys": [{"id": 1}], "next": "/keys?of=alice"}))
    })
    .await;
    assert!(failure(&circle).await.1.contains("circle"));
}

#[tokio::test]
async fn the_same_page_again_and_again_and_a_list_without_an_end_are_errors() {
    let same = server("{ page = \"p\" , count = \"n\", size = 2 }", "", |_| ok(keys(0..2))).await;
    assert!(failure(&same).await.1.contains("the same page again and again"));
    // A total that twice the same page would fill.
    let counted = "{ start_index = \"startIndex\", count = \"count\", size = 2, total = \"/total\" }";
    let filled = server(counted, "", |_| {
        let mut body = keys(0..2);
        body["total"] = json!(3);
        ok(body)
    })
    .await;
    let (what, why) = failure(&filled).await;
    assert!(
        what == Remedy::Retry && why.contains("the same page again and again"),
        "{why}"
    );
    let calls = AtomicUsize::new(0);
    let endless = server("{ offset = \"from\" }", "", move |_| {
        let n = calls.fetch_add(1, Ordering::Relaxed);
        ok(keys(n..n + 1))
    })
    .await;
    let (what, why) = failure(&endless).await;
    assert!(what == Remedy::GiveUp && why.contains("more than 1000 pages"), "{why}");
}

#[tokio::test]
async fn what_is_no_list_is_not_taken_for_an_empty_one() {
    for (body, more) in [
        (json!({"other": []}), ""),
        (json!({"keys": {}}), ""),
        (json!({"keys": "none"}), ""),
        (json!([]), ""),
        (json!([]), "absent = \"empty\""),
        (json!({"keys": "none"}), "absent = \"empty\""),
        (json!({"keys": [{"name": "no id"}]}), ""),
    ] {
        let wiki = server("\"none\"", more, move |_| ok(body.clone())).await;
        let (what, why) = failure(&wiki).await;
        assert!(what == Remedy::Retry && why.contains("not understood"), "{why}");
    }
    let absent = server("\"none\"", "absent = \"empty\"", |_| ok(json!({"other": 1}))).await;
    assert_eq!(ids(&absent).await, (Vec::new(), true));
    let html = server("\"none\"", "", |_| {
        ResponseTemplate::new(200).set_body_string("<html>sign in</html>")
    })
    .await;
    assert_eq!(failure(&html).await.0, Remedy::Pause);
    let huge = server("\"none\"", "", |_| {
        ResponseTemplate::new(200).set_body_bytes(vec![b' '; (16 << 20) + 1])
    })
    .await;
    assert!(failure(&huge).await.1.contains("larger than"));
}

#[tokio::test]
async fn a_feature_that_is_absent_leaves_its_kind_unseen_and_says_why() {
    let wiki = server("\"none\"", "", |_| ResponseTemplate::new(501)).await;
    let alice = wiki.one("username:alice").await;
    let access = wiki.observe(&alice).await.unwrap();
    assert!(access.listed.is_empty());
    assert_eq!(access.unseen[&GrantKind::ApiKey], "the licence does not cover keys");
}

#[tokio::test]
async fn a_list_of_which_only_the_first_page_shows_is_whole_only_where_it_is_empty() {
    let of_bob = "where = [{ pointer = \"/of\", equals = \"{id}\" }]";
    for (body, expected) in [
        (json!({"keys": []}), (0, true)),
        (json!({"keys": [{"id": 1, "of": "alice"}]}), (1, true)),
        (json!({"keys": [{"id": 1, "of": "bob"}]}), (0, false)),
    ] {
        let wiki = server("{ again = true }", of_bob, move |_| ok(body.clone())).await;
        let (ids, whole) = ids(&wiki).await;
        assert_eq!((ids.len(), whole), expected);
    }
}

#[tokio::test]
async fn a_list_for_each_member_of_another_keeps_what_each_hangs_on() {
    let description = listed(
        "\"none\"",
        "items = \"/keys\"\neach = { call = \"GET /apps?of={id}\", paging = \"none\", items = \"/apps\", at = \"/name\" }",
    )
    .replace("GET /keys?of={id}", "GET /keys?app={each}");
    let wiki = Wiki::of(&description, "").await;
    wiki.get("/me", 200, &json!({"id": "operator"})).await;
    wiki.get("/people/alice", 200, &json!({"id": "alice"})).await;
    wiki.get("/apps", 200, &json!({"apps": [{"name": "a/b"}, {"name": "c"}]}))
        .await;
    let answer = |request: &Request| {
        let n = query(request, "app").unwrap().len();
        ok(keys(n..n + 1))
    };
    Mock::given(method("GET"))
        .and(path("/keys"))
        .respond_with(answer)
        .mount(&wiki.mock)
        .await;
    let alice = wiki.one("username:alice").await;
    let access = wiki.observe(&alice).await.unwrap();
    let found: Vec<_> = access
        .grants
        .iter()
        .map(|grant| (grant.name.id.as_str(), grant.name.parent.as_deref()))
        .collect();
    assert_eq!(found, [("3", Some("a/b")), ("1", Some("c"))]);
}
