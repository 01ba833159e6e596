//! Lists, searches, what is shown of a resource, versions, and what the server says of itself.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

async fn town(server: &Server, people: usize) {
    for n in 0..people {
        let user = json!({
            "userName": format!("u{n:03}@example.org"),
            "active": n % 2 == 0,
            "externalId": format!("x{}", n % 10),
            "name": {"familyName": format!("F{}", n % 3)},
        });
        assert_eq!(server.post("/Users", &user).await.status, 201);
    }
}

fn names(answer: &Answer) -> Vec<String> {
    let resources = answer.body["Resources"].as_array().unwrap();
    resources
        .iter()
        .map(|one| one["userName"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_hold_everybody_once_while_somebody_comes() {
    let server = Server::new().await;
    town(&server, 25).await;
    for filter in ["", "&filter=userName%20pr", "&filter=name.familyName%20sw%20%22f%22"] {
        let mut seen = Vec::new();
        for page in 0..4 {
            let answer = server
                .get(&format!("/Users?startIndex={}&count=7{filter}", 1 + page * 7))
                .await;
            assert_eq!(answer.body["startIndex"], 1 + page * 7);
            let expected = if page < 3 { 7 } else { 25 - 21 };
            if filter.is_empty() {
                seen.extend(names(&answer));
            }
            assert!(answer.body["itemsPerPage"].as_u64().unwrap() >= expected, "{filter} {page}");
        }
        if filter.is_empty() {
            let all: BTreeSet<&String> = seen.iter().collect();
            assert_eq!((seen.len(), all.len()), (25, 25));
            assert!(seen.is_sorted(), "in the order in which they came");
        }
        // One more comes at the end, so that no page before it changes.
        let late = json!({"userName": format!("z{}@example.org", filter.len()), "name": {"familyName": "F"}});
        let before = names(&server.get("/Users?startIndex=8&count=7").await);
        server.post("/Users", &late).await;
        assert_eq!(names(&server.get("/Users?startIndex=8&count=7").await), before);
        server.ask("DELETE", &format!("/Users/{}", last(&server).await), "").await;
    }
    assert_eq!(server.get("/Users?startIndex=26").await.body["Resources"], json!([]));
}

async fn last(server: &Server) -> String {
    let total = server.get("/Users?count=0").await.body["totalResults"].as_u64().unwrap();
    let answer = server.get(&format!("/Users?startIndex={total}&count=1")).await;
    answer.body["Resources"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn more_than_a_page_is_cut_at_the_most_that_is_promised() {
    let server = Server::new().await;
    town(&server, 205).await;
    for path in ["/Users", "/Users?count=1000", "/Users?filter=userName%20pr"] {
        let answer = server.get(path).await;
        assert_eq!(
            (&answer.body["totalResults"], &answer.body["itemsPerPage"]),
            (&json!(205), &json!(200)),
            "{path}"
        );
    }
    let config = server.get("/ServiceProviderConfig").await.body;
    assert_eq!(config["filter"], json!({"supported": true, "maxResults": 200}));
}

#[tokio::test]
async fn filters_find_the_same_by_a_second_name_as_by_looking_at_all() {
    let server = Server::new().await;
    town(&server, 30).await;
    let path = server.maya().await;
    let id = path.trim_start_matches("/Users/");
    for (filter, count) in [
        ("externalId eq \"x3\"", 3),
        ("externalId eq \"X3\"", 0),
        ("externalId eq \"x3\" and active eq false", 3),
        ("active eq false and externalId eq \"x3\"", 3),
        ("active eq false and externalId eq \"x4\"", 0),
        ("externalId eq \"x3\" or externalId eq \"x4\"", 6),
        ("not (externalId eq \"x3\")", 28),
        ("userName eq \"U007@EXAMPLE.org\"", 1),
        ("userName eq \"maya@example.org\" and externalId eq \"00u1maya\"", 1),
        ("userName eq \"maya@example.org\" and externalId eq \"x3\"", 0),
        ("emails eq \"MAYA@home.example\"", 1),
        ("emails.value eq \"maya@example.org\"", 1),
        ("emails[type eq \"work\"].value eq \"maya@home.example\"", 0),
        ("emails[type eq \"home\" and value eq \"maya@home.example\"]", 1),
        ("active eq false", 15),
        ("name.familyName eq \"f1\" and active eq true", 5),
        (&format!("id eq \"{id}\""), 1),
        ("id eq \"x\"", 0),
        ("meta.resourceType eq \"User\"", 31),
        ("meta.created gt \"2020-01-01T00:00:00Z\"", 31),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq \"4711\"",
            1,
        ),
        ("phoneNumbers pr", 0),
    ] {
        assert_eq!(server.filter(filter).await.body["totalResults"], count, "{filter}");
        let search = server.post("/Users/.search", &json!({"filter": filter, "count": 1})).await;
        assert_eq!(search.body["totalResults"], count, "{filter}");
    }
}

#[tokio::test]
async fn a_search_at_the_root_goes_through_every_type() {
    let server = Server::new().await;
    town(&server, 3).await;
    server.post("/Groups", &json!({"displayName": "Engineers"})).await;
    let all = server
        .post(
            "/.search",
            &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}),
        )
        .await;
    assert_eq!((all.status, &all.body["totalResults"]), (200, &json!(4)));
    let page = server
        .post(
            "/v2/.search",
            &json!({"startIndex": 3, "count": 2, "attributes": ["meta.location"]}),
        )
        .await;
    let places: Vec<&str> = page.body["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["meta"]["location"].as_str().unwrap())
        .collect();
    assert!(
        places[0].starts_with(&format!("{BASE}/v2/Users/")) && places[1].starts_with(&format!("{BASE}/v2/Groups/")),
        "{places:?}"
    );
    let named = server
        .post("/.search", &json!({"filter": "displayName eq \"engineers\""}))
        .await;
    assert_eq!(named.body["totalResults"], 1);
    assert_eq!(server.post("/.search", &json!({"count": "1"})).await.status, 400);
    assert_eq!(server.post("/.search", &json!({"attributes": "x"})).await.status, 400);
}

#[tokio::test]
async fn only_the_attributes_asked_for_are_shown() {
    let server = Server::new().await;
    let path = server.maya().await;
    let members = |answer: &Answer| -> Vec<String> {
        let mut names: Vec<String> = answer.body.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let only = server
        .get(&format!(
            "{path}?attributes=userName,emails.value,emails.type,name.givenName,meta.version,{ENTERPRISE}:employeeNumber,nothing"
        ))
        .await;
    assert_eq!(
        members(&only),
        ["emails", "id", "meta", "name", "schemas", ENTERPRISE, "userName"]
    );
    assert_eq!(
        only.body["emails"],
        json!([{"value": "maya@example.org", "type": "work"}, {"value": "maya@home.example", "type": "home"}])
    );
    assert_eq!(only.body["name"], json!({"givenName": "Maya"}));
    assert_eq!(only.body["meta"], json!({"version": "W/\"1\""}));
    assert_eq!(only.headers["etag"], "W/\"1\"");
    let without = server
        .get(&format!(
            "{path}?excludedAttributes=id,schemas,userName,emails.primary,name.familyName,meta,{ENTERPRISE}"
        ))
        .await;
    assert_eq!(
        members(&without),
        ["active", "displayName", "emails", "externalId", "id", "name", "schemas"]
    );
    assert_eq!(without.body["name"], json!({"givenName": "Maya"}));
    assert_eq!(
        without.body["emails"][0],
        json!({"value": "maya@example.org", "type": "work"})
    );
    let list = server.get("/Users?attributes=active").await;
    assert_eq!(list.body["Resources"][0].as_object().unwrap().len(), 3);
    let patched = server
        .patch(
            &format!("{path}?attributes=userName"),
            json!([{"op": "replace", "path": "title", "value": "x"}]),
        )
        .await;
    assert_eq!(
        (patched.status, members(&patched)),
        (200, vec!["id".to_owned(), "schemas".to_owned(), "userName".to_owned()])
    );
}

#[tokio::test]
async fn a_version_guards_against_changes_that_crossed() {
    let server = Server::new().await;
    let path = server.maya().await;
    let with = |method: &str, header: &'static str, tag: &str, body: &str| {
        let mut request = request(method, &path, body);
        request.headers_mut().insert(header, tag.parse().unwrap());
        request
    };
    let off = r#"{"Operations":[{"op":"replace","path":"active","value":false}]}"#;
    assert_eq!(server.send(with("GET", "if-none-match", "W/\"1\"", "")).await.status, 304);
    assert_eq!(server.send(with("GET", "if-none-match", "W/\"2\"", "")).await.status, 200);
    for stale in ["W/\"0\"", "\"x\", W/\"7\""] {
        let answer = server.send(with("PATCH", "if-match", stale, off)).await;
        assert_eq!((answer.status, &answer.body["status"]), (412, &json!("412")));
        assert_eq!(server.send(with("DELETE", "if-match", stale, "")).await.status, 412);
    }
    assert!(server.signals().await.is_empty());
    for (tag, version) in [("W/\"9\", W/\"1\"", "W/\"2\""), ("*", "W/\"2\"")] {
        let answer = server.send(with("PATCH", "if-match", tag, off)).await;
        assert_eq!((answer.status, answer.headers["etag"].to_str().unwrap()), (200, version));
    }
    assert_eq!(server.reasons().await.len(), 1);
}

#[tokio::test]
async fn two_changes_at_once_are_both_made() {
    let server = Server::new().await;
    let path = server.maya().await;
    let one = server.patch(&path, json!([{"op": "replace", "path": "title", "value": "Guide"}]));
    let other = server.patch(&path, json!([{"op": "replace", "path": "active", "value": false}]));
    let third = server.patch(&path, json!([{"op": "replace", "path": "nickName", "value": "M"}]));
    let (one, other, third) = tokio::join!(one, other, third);
    assert_eq!((one.status, other.status, third.status), (200, 200, 200));
    let shown = server.get(&path).await.body;
    assert_eq!(
        (
            &shown["title"],
            &shown["active"],
            &shown["nickName"],
            &shown["meta"]["version"]
        ),
        (&json!("Guide"), &json!(false), &json!("M"), &json!("W/\"4\""))
    );
    let twin = json!({"userName": "twin@example.org"});
    let (one, other) = tokio::join!(server.post("/Users", &twin), server.post("/Users", &twin));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    // A rename to somebody else's name is no way around.
    let renamed = server
        .patch(
            &path,
            json!([{"op": "replace", "path": "userName", "value": "TWIN@example.org"}]),
        )
        .await;
    assert_eq!((renamed.status, &renamed.body["scimType"]), (409, &json!("uniqueness")));
}

#[tokio::test]
async fn a_question_does_not_wait_for_a_change() {
    let server = Server::new().await;
    let path = server.maya().await;
    let mut other = server.sql().await;
    let lock = sqlx::Connection::begin_with(&mut other, "BEGIN IMMEDIATE").await.unwrap();
    let mut change = Box::pin(server.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])));
    let early = tokio::time::timeout(std::time::Duration::from_millis(100), &mut change).await;
    assert!(early.is_err(), "{early:?}: acknowledged before it could be stored");
    assert_eq!(server.get(&path).await.body["active"], true);
    let search = server.post("/Users/.search", &json!({"filter": "active eq true"})).await;
    assert_eq!(search.body["totalResults"], 1);
    lock.rollback().await.unwrap();
    assert_eq!(change.await.body["active"], false);
}

#[tokio::test]
async fn what_the_server_says_of_itself_is_what_it_does() {
    let server = Server::new().await;
    let config = server.get("/ServiceProviderConfig").await.body;
    for (part, supported) in [
        ("patch", true),
        ("filter", true),
        ("etag", true),
        ("bulk", false),
        ("sort", false),
        ("changePassword", false),
    ] {
        assert_eq!(config[part]["supported"], supported, "{part}");
    }
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    let schemas = server.get("/Schemas").await.body;
    assert_eq!(schemas["totalResults"], 3);
    for schema in schemas["Resources"].as_array().unwrap() {
        let one = server.get(&format!("/Schemas/{}", schema["id"].as_str().unwrap())).await;
        assert_eq!(one.body, *schema);
    }
    let types = server.get("/v2/ResourceTypes").await.body;
    for kind in types["Resources"].as_array().unwrap() {
        let one = server
            .get(&format!("/v2/ResourceTypes/{}", kind["id"].as_str().unwrap()))
            .await;
        assert_eq!(one.body, *kind);
        assert_eq!(server.get(kind["endpoint"].as_str().unwrap()).await.status, 200);
    }
    assert_eq!(
        types["Resources"][0]["schemaExtensions"],
        json!([{"schema": ENTERPRISE, "required": false}])
    );
}

#[tokio::test]
async fn what_is_kept_is_about_the_person_and_names_nobody_in_the_trail() {
    let server = Server::new().await;
    let path = server.maya().await;
    assert_eq!(
        server
            .count("SELECT count(*) FROM memory WHERE about = 'employee_id:4711'")
            .await,
        5
    );
    assert_eq!(server.count("SELECT count(*) FROM memory").await, 5);
    server.ask("DELETE", &path, "").await;
    assert_eq!(
        server
            .count("SELECT count(*) FROM trail WHERE lower(body) LIKE '%maya%' OR body LIKE '%4711%'")
            .await,
        0
    );
    assert!(
        server
            .count("SELECT count(*) FROM trail WHERE body LIKE '%source.noted%'")
            .await
            >= 2
    );
}
