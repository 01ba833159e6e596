//! What Okta's client does, and what its own two suites of checks ask for.

use revoked::model::Reason;
use serde_json::json;

use super::*;

const PINNED: &str = "issuer = \"https://org.okta.example\"\nexternal_id = \"sub\"\n";

#[tokio::test]
async fn a_deactivated_user_is_a_departure_with_every_name_of_the_person() {
    let server = Server::with(PINNED).await;
    let path = server.maya().await;
    assert!(server.signals().await.is_empty());
    let patched = server
        .patch(&path, json!([{"op": "replace", "value": {"active": false}}]))
        .await;
    assert_eq!((patched.status, &patched.body["active"]), (200, &json!(false)));
    let signals = server.signals().await;
    assert_eq!(signals.len(), 1, "{signals:?}");
    assert_eq!((signals[0].reason, signals[0].decision.as_str()), (Reason::Departed, "act"));
    assert_eq!(
        signals[0].names,
        [
            "iss_sub:https://org.okta.example#00u1maya",
            "employee_id:4711",
            "email:maya@example.org"
        ]
    );
}

/// The verbatim body of Okta's documentation, for applications of its network.
const DEACTIVATE: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}"#;

#[tokio::test]
async fn the_same_deactivation_again_is_answered_and_nothing_follows() {
    let server = Server::new().await;
    let path = server.maya().await;
    for _ in 0..3 {
        let patched = server.ask("PATCH", &path, DEACTIVATE).await;
        assert_eq!((patched.status, &patched.body["active"]), (200, &json!(false)));
        assert_eq!(patched.body["meta"]["version"], "W/\"2\"");
    }
    assert_eq!(server.reasons().await, [Reason::Departed]);
    assert_eq!(server.count("SELECT count(*) FROM cases").await, 1);
}

/// Okta's SPEC suite.
#[tokio::test]
async fn the_suite_of_the_specification_passes() {
    let server = Server::new().await;
    server.maya().await;
    let list = server.get("/Users?count=1&startIndex=1").await;
    assert_eq!(list.status, 200);
    assert_eq!(
        list.body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"])
    );
    for number in ["itemsPerPage", "startIndex", "totalResults"] {
        assert!(list.body[number].is_u64(), "{number} must be a number");
    }
    let first = &list.body["Resources"][0];
    assert!(!first["id"].as_str().unwrap().is_empty());
    assert_eq!(
        (
            &first["name"]["familyName"],
            &first["name"]["givenName"],
            &first["userName"],
            &first["active"]
        ),
        (&json!("Lindqvist"), &json!("Maya"), &json!("Maya@Example.org"), &json!(true))
    );
    assert_eq!(first["emails"][0]["value"], "maya@example.org");
    assert_eq!(
        server.get(&format!("/Users/{}", first["id"].as_str().unwrap())).await.status,
        200
    );

    let bogus = server.get("/Users/00919288221112222").await;
    assert_eq!((bogus.status, &bogus.body["status"]), (404, &json!("404")));
    assert_eq!(bogus.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert!(!bogus.body["detail"].as_str().unwrap().is_empty());

    let nobody = server.filter("userName eq \"abcdefgh@atko.com\"").await;
    assert_eq!(
        (nobody.status, &nobody.body["totalResults"], &nobody.body["Resources"]),
        (200, &json!(0), &json!([]))
    );

    let runscope = json!({
        "schemas": [USER_URN],
        "userName": "Runscope300@atko.com",
        "name": {"givenName": "Runscope", "familyName": "User"},
        "emails": [{"primary": true, "value": "Runscope300@atko.com", "type": "work"}],
        "displayName": "Runscope User",
        "active": true,
    });
    let made = server.post("/Users", &runscope).await;
    assert_eq!((made.status, &made.body["active"]), (201, &json!(true)));
    let location = made.headers["location"].to_str().unwrap();
    assert_eq!(location, format!("{BASE}/Users/{}", made.body["id"].as_str().unwrap()));
    assert_eq!(made.body["meta"]["location"], location);

    let again = server.post("/Users", &runscope).await;
    assert_eq!(
        (again.status, &again.body["scimType"], &again.body["status"]),
        (409, &json!("uniqueness"), &json!("409"))
    );

    let mut stranger = request("GET", "/Users?count=1&startIndex=1", "");
    stranger
        .headers_mut()
        .insert("authorization", "Bearer non-token".parse().unwrap());
    let refused = server.send(stranger).await;
    assert_eq!((refused.status, &refused.body["status"]), (401, &json!("401")));
    assert!(refused.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));

    let other_case = server.filter("userName eq \"rUNSCOPE300@ATKO.com\"").await;
    assert_eq!(
        (&other_case.body["totalResults"], &other_case.body["Resources"][0]["id"]),
        (&json!(1), &made.body["id"])
    );
    assert_eq!(server.get("/Groups").await.status, 200);
}

/// Okta's CRUD suite: assign, change, deactivate, reactivate, unassign.
#[tokio::test]
async fn the_suite_of_a_users_life_passes() {
    for whole in [true, false] {
        let server = Server::new().await;
        let find = server.filter("userName eq \"maya@example.org\"").await;
        assert_eq!(find.body["totalResults"], 0);
        let path = server.maya().await;
        let set = async |name: &str, value: Value| {
            // An application of the wizard reads the user and puts it back whole; one of Okta's network patches it.
            let answer = if whole {
                let mut user = server.get(&path).await.body;
                if name == "active" {
                    user["active"] = value;
                } else {
                    user["name"]["givenName"] = value;
                }
                server.put(&path, &user).await
            } else if name == "active" {
                server
                    .patch(&path, json!([{"op": "replace", "value": {"active": value}}]))
                    .await
            } else {
                server
                    .patch(&path, json!([{"op": "replace", "value": {"name": {"givenName": value}}}]))
                    .await
            };
            assert_eq!(answer.status, 200, "{answer:?}");
            server.get(&path).await.body
        };
        let renamed = set("givenName", json!("Maja")).await;
        assert_eq!(renamed["name"], json!({"givenName": "Maja", "familyName": "Lindqvist"}));
        assert!(server.reasons().await.is_empty());
        assert_eq!(set("active", json!(false)).await["active"], false);
        assert_eq!(
            server.filter("userName eq \"maya@example.org\"").await.body["Resources"][0]["active"],
            false
        );
        assert_eq!(set("active", json!(true)).await["active"], true);
        assert_eq!(set("active", json!(false)).await["active"], false);
        assert_eq!(
            server.reasons().await,
            [Reason::Departed, Reason::Reactivated, Reason::Departed],
            "whole: {whole}"
        );
        let keys: Vec<String> = server.signals().await.into_iter().map(|signal| signal.key).collect();
        let id = path.trim_start_matches("/Users/");
        assert_eq!(keys, [3, 4, 5].map(|version| format!("{id}#{version}")));
    }
}

#[tokio::test]
async fn a_put_without_active_changes_nothing_about_it_and_null_is_nothing_said() {
    let server = Server::new().await;
    let path = server.maya().await;
    let mut user = maya();
    for active in [None, Some(Value::Null)] {
        match active {
            None => drop(user.as_object_mut().unwrap().remove("active")),
            Some(active) => user["active"] = active,
        }
        user["title"] = Value::Null;
        user["nickName"] = json!("M");
        let put = server.put(&path, &user).await;
        assert_eq!(
            (put.status, &put.body["active"], &put.body["nickName"]),
            (200, &json!(true), &json!("M"))
        );
    }
    server.ask("PATCH", &path, DEACTIVATE).await;
    assert_eq!(
        server.put(&path, &user).await.body["active"],
        false,
        "nor is anybody reactivated by it"
    );
    assert_eq!(server.reasons().await, [Reason::Departed]);
    // A PUT replaces: what it leaves out is gone.
    user.as_object_mut().unwrap().remove("nickName");
    assert_eq!(server.put(&path, &user).await.body.get("nickName"), None);
}

#[tokio::test]
async fn a_password_is_neither_kept_nor_shown_nor_anything_that_no_attribute_asks_for() {
    let server = Server::new().await;
    let path = server.maya().await;
    server.put(&path, &maya()).await;
    server
        .patch(&path, json!([{"op": "replace", "value": {"password": "canary-password"}}]))
        .await;
    server
        .patch(
            &path,
            json!([{"op": "replace", "path": "password", "value": "canary-password"}]),
        )
        .await;
    let shown = server.get(&path).await.body.to_string();
    for canary in ["canary-password", "en-US"] {
        assert!(!shown.contains(canary), "{shown}");
        for file in std::fs::read_dir(server.folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(canary), "{canary} was kept");
        }
    }
}

#[tokio::test]
async fn groups_are_names_and_who_is_in_them_says_nothing_about_leaving() {
    let server = Server::new().await;
    let path = server.maya().await;
    let id = path.trim_start_matches("/Users/");
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Engineering",
        "members": [{"value": id, "display": "Maya"}],
    });
    let made = server.post("/Groups", &group).await;
    assert_eq!((made.status, made.body.get("members")), (201, None));
    let group = format!("/Groups/{}", made.body["id"].as_str().unwrap());
    // Verbatim but for the ids: a removal by Entra ID, with its flag and without, and Okta's new name.
    for operation in [
        json!({"op": "Remove", "path": "members", "value": [{"value": "u1091"}]}),
        json!({"op": "remove", "path": "members[value eq \"7f4bc1a3-285e-48ae-8202-5accb43efb0e\"]"}),
        json!({"op": "add", "path": "members", "value": [{"value": id}]}),
        json!({"op": "replace", "value": {"id": made.body["id"], "displayName": "Engineers"}}),
    ] {
        let patched = server.patch(&group, json!([operation])).await;
        assert_eq!(patched.status, 200, "{operation} {patched:?}");
    }
    assert_eq!(server.get(&group).await.body["displayName"], "Engineers");
    assert_eq!(
        server.get("/Groups?filter=displayName%20eq%20%22engineers%22").await.body["totalResults"],
        1
    );
    assert_eq!(server.ask("DELETE", &group, "").await.status, 204);
    assert_eq!(server.get(&group).await.status, 404);
    assert!(server.signals().await.is_empty());
}
