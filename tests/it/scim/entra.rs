//! What Entra ID's provisioning service sends, word for word where its documentation or its logs show it.

use revoked::model::Reason;
use serde_json::json;

use super::*;

const CREATE: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"Test_User_00aa00aa-bb11-cc22-dd33-44ee44ee44ee","active":true,"emails":[{"primary":true,"type":"work","value":"Test_User_11bb11bb-cc22-dd33-ee44-55ff55ff55ff@testuser.com"}],"meta":{"resourceType":"User"},"name":{"formatted":"givenName familyName","familyName":"familyName","givenName":"givenName"},"roles":[]}"#;

async fn created(server: &Server) -> String {
    let made = server.ask("POST", "/Users?aadOptscim062020", CREATE).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body["externalId"], "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef");
    assert_eq!(made.body["meta"]["resourceType"], "User");
    format!("/Users/{}", made.body["id"].as_str().unwrap())
}

#[tokio::test]
async fn each_way_to_disable_a_user_is_a_departure() {
    for (path, body) in [
        (
            "",
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#,
        ),
        (
            "?aadOptscim062020",
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#,
        ),
        (
            "",
            r#"{"Operations":[{"op":"Replace","path":"active","value":false}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}"#,
        ),
    ] {
        let server = Server::new().await;
        let user = created(&server).await;
        let disabled = server.ask("PATCH", &format!("{user}{path}"), body).await;
        assert_eq!((disabled.status, &disabled.body["active"]), (200, &json!(false)), "{body}");
        let signals = server.signals().await;
        assert_eq!(signals.len(), 1);
        assert_eq!(signals[0].reason, Reason::Departed);
        assert_eq!(
            signals[0].names,
            [
                "email:test_user_11bb11bb-cc22-dd33-ee44-55ff55ff55ff@testuser.com",
                "username:Test_User_00aa00aa-bb11-cc22-dd33-44ee44ee44ee"
            ]
        );
        // It is still there for the next cycle to find, in the list too.
        let found = server.filter("externalId eq \"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef\"").await;
        assert_eq!(
            (&found.body["totalResults"], &found.body["Resources"][0]["active"]),
            (&json!(1), &json!(false))
        );
        let enabled = server
            .patch(&user, json!([{"op": "Replace", "path": "active", "value": "True"}]))
            .await;
        assert_eq!(enabled.body["active"], true);
        assert_eq!(server.reasons().await, [Reason::Departed, Reason::Reactivated]);
    }
}

#[tokio::test]
async fn a_deletion_is_a_departure_unless_it_was_one_before() {
    let server = Server::new().await;
    let user = created(&server).await;
    assert_eq!(server.ask("DELETE", &user, "").await.status, 204);
    assert_eq!(server.reasons().await, [Reason::Departed]);
    for _ in 0..2 {
        assert_eq!(server.ask("DELETE", &user, "").await.status, 404);
    }
    assert_eq!(server.get(&user).await.status, 404);
    assert_eq!(
        server
            .filter("userName eq \"Test_User_00aa00aa-bb11-cc22-dd33-44ee44ee44ee\"")
            .await
            .body["totalResults"],
        0
    );
    assert_eq!(server.reasons().await, [Reason::Departed]);
    assert_eq!(
        server.count("SELECT count(*) FROM memory").await,
        0,
        "a deleted user is forgotten"
    );

    // Disabled today and deleted thirty days later: one departure.
    let user = created(&server).await;
    server
        .patch(&user, json!([{"op": "Replace", "path": "active", "value": "False"}]))
        .await;
    assert_eq!(server.ask("DELETE", &user, "").await.status, 204);
    assert_eq!(server.reasons().await, [Reason::Departed, Reason::Departed]);
}

#[tokio::test]
async fn attributes_are_updated_with_the_flag_and_without() {
    let server = Server::new().await;
    let user = created(&server).await;
    let flagged = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"emails[type eq \"work\"].value","value":"TestMhvaes@test.microsoft.com"},{"op":"replace","value":{"displayName":"Bjfe","name.givenName":"Kkom","name.familyName":"Unua","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"Aklq"}}]}"#;
    let patched = server.ask("PATCH", &format!("{user}?aadOptscim062020"), flagged).await;
    assert_eq!(patched.status, 200);
    assert_eq!(
        patched.body["emails"],
        json!([{"primary": true, "type": "work", "value": "TestMhvaes@test.microsoft.com"}])
    );
    assert_eq!(
        patched.body["name"],
        json!({"formatted": "givenName familyName", "familyName": "Unua", "givenName": "Kkom"})
    );
    assert_eq!(
        (&patched.body["displayName"], &patched.body[ENTERPRISE]),
        (&json!("Bjfe"), &json!({"employeeNumber": "Aklq"}))
    );
    assert_eq!(patched.body["schemas"], json!([USER_URN, ENTERPRISE]));

    let one_by_one = json!([
        {"op": "Replace", "path": "displayName", "value": "Pvlo"},
        {"op": "Replace", "path": "name.givenName", "value": "Gtfd"},
        {"op": "Replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", "value": "Eqpj"},
        {"op": "Add", "path": "nickName", "value": "Babs"},
        {"op": "Add", "path": "addresses[type eq \"work\"].country", "value": "SE"},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "26118915"},
    ]);
    let patched = server.patch(&user, one_by_one).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(
        (
            &patched.body["displayName"],
            &patched.body["name"]["givenName"],
            &patched.body["nickName"]
        ),
        (&json!("Pvlo"), &json!("Gtfd"), &json!("Babs"))
    );
    assert_eq!(patched.body[ENTERPRISE], json!({"employeeNumber": "Eqpj"}));
    assert!(server.signals().await.is_empty());

    // It is found by its new address and no longer by the old one.
    let found = |address: &str| format!("emails[type eq \"work\"].value eq \"{address}\"");
    assert_eq!(
        server.filter(&found("testmhvaes@test.microsoft.com")).await.body["totalResults"],
        1
    );
    let old = server
        .filter(&found("Test_User_11bb11bb-cc22-dd33-ee44-55ff55ff55ff@testuser.com"))
        .await;
    assert_eq!(old.body["totalResults"], 0);
}

#[tokio::test]
async fn the_connection_test_finds_nobody_and_that_is_well() {
    let server = Server::new().await;
    let nobody = server.filter("userName eq \"non-existent user\"").await;
    assert_eq!(nobody.status, 200);
    assert_eq!(
        nobody.body,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": 0, "Resources": [], "startIndex": 1, "itemsPerPage": 0,
        })
    );
    let missing = server.get("/Users/5171a35d82074e068ce2").await;
    assert_eq!(missing.status, 404);
    assert_eq!((&missing.body["status"], missing.body.get("scimType")), (&json!("404"), None));
    // The tenant's address ends in a slash where the flag is written behind it.
    assert_eq!(
        server
            .get("//Users/?aadOptscim062020&filter=userName%20eq%20%22x%22%20and%20active%20eq%20true")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_user_who_is_renamed_while_being_disabled_is_named_by_both_names() {
    let server = Server::with("external_id = \"employee_id\"\n").await;
    let made = server
        .post(
            "/Users",
            &json!({"userName": "maya@contoso.example", "externalId": "4711", "active": true}),
        )
        .await;
    let user = format!("/Users/{}", made.body["id"].as_str().unwrap());
    let renamed = json!([
        {"op": "Replace", "path": "userName", "value": "0a21f0f28d2a4f8emaya@contoso.example"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]);
    assert_eq!(server.patch(&user, renamed).await.status, 200);
    assert_eq!(
        server.signals().await[0].names,
        [
            "employee_id:4711",
            "email:0a21f0f28d2a4f8emaya@contoso.example",
            "email:maya@contoso.example"
        ]
    );
    assert_eq!(
        server.filter("userName eq \"maya@contoso.example\"").await.body["totalResults"],
        0
    );
}

#[tokio::test]
async fn a_scope_that_was_edited_by_mistake_is_held_and_still_answered() {
    let server = Server::new().await;
    let mut users = Vec::new();
    for n in 0..30 {
        let made = server
            .post("/Users", &json!({"userName": format!("u{n}@example.org"), "active": true}))
            .await;
        users.push(format!("/Users/{}", made.body["id"].as_str().unwrap()));
    }
    for user in &users {
        let disabled = server
            .patch(user, json!([{"op": "Replace", "path": "active", "value": "False"}]))
            .await;
        assert_eq!((disabled.status, &disabled.body["active"]), (200, &json!(false)));
    }
    let signals = server.signals().await;
    let decided = |word: &str| signals.iter().filter(|signal| signal.decision == word).count();
    assert_eq!((decided("act"), decided("hold")), (20, 10));
}

#[tokio::test]
async fn who_comes_inactive_was_never_here() {
    let server = Server::new().await;
    for n in 0..30 {
        let import = json!({"userName": format!("u{n}@example.org"), "active": "False"});
        let made = server.post("/Users", &import).await;
        assert_eq!((made.status, &made.body["active"]), (201, &json!(false)));
    }
    assert!(server.signals().await.is_empty());
    // A deletion is asked for by name, so it counts even then.
    let first = server.get("/Users?count=1").await;
    let user = format!("/Users/{}", first.body["Resources"][0]["id"].as_str().unwrap());
    assert_eq!(server.ask("DELETE", &user, "").await.status, 204);
    assert_eq!(server.reasons().await, [Reason::Departed]);
}

#[tokio::test]
async fn a_deactivation_can_be_a_suspension_and_a_deletion_still_is_a_departure() {
    let server = Server::with("deactivation = \"suspended\"\n").await;
    let user = created(&server).await;
    server
        .patch(&user, json!([{"op": "replace", "path": "active", "value": false}]))
        .await;
    assert_eq!(server.ask("DELETE", &user, "").await.status, 204);
    assert_eq!(server.reasons().await, [Reason::Suspended, Reason::Departed]);
}

#[tokio::test]
async fn a_deactivation_of_somebody_unknown_is_404_and_a_human_hears_of_it() {
    let server = Server::new().await;
    let unknown = "/Users/0198f2c0-0000-7000-8000-000000000000";
    for _ in 0..2 {
        let answer = server
            .patch(unknown, json!([{"op": "Replace", "path": "active", "value": "False"}]))
            .await;
        assert_eq!(answer.status, 404);
    }
    assert_eq!(server.count("SELECT times FROM alert WHERE kind = 'unknown_user'").await, 2);
    // Nothing was to end by these.
    assert_eq!(
        server
            .patch(unknown, json!([{"op": "replace", "path": "title", "value": "x"}]))
            .await
            .status,
        404
    );
    assert_eq!(server.put(unknown, &maya()).await.status, 404);
    assert_eq!(server.ask("DELETE", unknown, "").await.status, 404);
    assert_eq!(server.count("SELECT times FROM alert WHERE kind = 'unknown_user'").await, 2);
    assert_eq!(server.count("SELECT count(*) FROM job").await, 0);
}
