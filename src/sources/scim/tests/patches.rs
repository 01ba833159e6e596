//! PATCH: what becomes of a resource, and what cannot be.

use proptest::prelude::*;

use super::*;
use crate::sources::scim::protocol::error::ScimError;
use crate::sources::scim::protocol::patch::{MOST_OPERATIONS, apply};
use crate::sources::scim::protocol::schema::USER;

fn patched(operations: Value) -> Result<Value, ScimError> {
    let body = Map::from_iter([("Operations".to_owned(), operations)]);
    let mut members = barbara();
    members.remove("id");
    members.remove("meta");
    apply(&USER, "2819c223", &members, body).map(Value::Object)
}

fn done(operations: Value) -> Value {
    let text = operations.to_string();
    patched(operations).unwrap_or_else(|scim_error| panic!("{text}: {scim_error:?}"))
}

fn refused(operations: Value) -> &'static str {
    let text = operations.to_string();
    patched(operations).expect_err(&text).word
}

#[test]
fn the_forms_of_one_deactivation_are_one() {
    for operation in [
        json!({"op": "replace", "path": "active", "value": false}),
        json!({"op": "Replace", "path": "active", "value": "False"}),
        json!({"op": "add", "path": "active", "value": false}),
        json!({"op": "REPLACE", "path": "Active", "value": "false"}),
        json!({"Op": "replace", "Path": "active", "Value": false}),
        json!({"op": "replace", "value": {"active": false}}),
        json!({"op": "replace", "value": {"ACTIVE": "False"}}),
        json!({"op": "replace", "path": null, "value": {"active": false}}),
        json!({"op": "replace", "path": "", "value": {"active": false}}),
        json!({"op": "replace", "path": (format!("{USER_URN}:active")), "value": false}),
        json!({"op": "replace", "value": {(format!("{USER_URN}:active")): false}}),
        json!({"op": "replace", "value": {(USER_URN): {"active": false}}}),
        json!({"op": "replace", "path": USER_URN, "value": {"active": false}}),
        json!({"op": "replace", "path": "active", "value": [{"$ref": null, "value": "False"}]}),
        json!({"op": "replace", "path": "active", "value": {"Value": false}}),
        json!({"op": "add", "path": "active", "value": ["False"]}),
        json!({"op": "replace", "value": {"active": [{"value": false}]}}),
        json!({"op": "replace", "value": {"id": "2819c223", "schemas": [USER_URN], "active": false}}),
    ] {
        assert_eq!(done(json!([operation]))["active"], false, "{operation}");
    }
}

#[test]
fn whether_somebody_is_active_is_never_passed_over() {
    for (operation, word) in [
        (json!({"op": "replace", "path": "active", "value": "no"}), "invalidValue"),
        (json!({"op": "replace", "path": "active", "value": 0}), "invalidValue"),
        (json!({"op": "replace", "path": "active", "value": null}), "invalidValue"),
        (json!({"op": "replace", "path": "active", "value": ""}), "invalidValue"),
        (json!({"op": "replace", "path": "active", "value": []}), "invalidValue"),
        (json!({"op": "replace", "path": "active", "value": {}}), "invalidValue"),
        (json!({"op": "replace", "path": "active", "value": [null]}), "invalidValue"),
        (
            json!({"op": "replace", "path": "active", "value": [false, false]}),
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": "active", "value": {"value": false, "Value": true}}),
            "invalidValue",
        ),
        (json!({"op": "replace", "path": "active", "value": [[false]]}), "invalidValue"),
        (
            json!({"op": "replace", "path": "active", "value": {"value": {"value": false}}}),
            "invalidValue",
        ),
        (json!({"op": "replace", "path": "active"}), "invalidValue"),
        (json!({"op": "replace", "value": {"active": null}}), "invalidValue"),
        (
            json!({"op": "replace", "value": {"active": true, "Active": false}}),
            "invalidSyntax",
        ),
        (
            json!({"op": "replace", "value": {"active": true, (format!("{USER_URN}:active")): false}}),
            "invalidSyntax",
        ),
        (json!({"op": "remove", "path": "active"}), "mutability"),
        (
            json!({"op": "replace", "path": "active.value", "value": false}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "active[value eq true]", "value": false}),
            "invalidPath",
        ),
        (json!({"op": "disable", "path": "active", "value": false}), "invalidSyntax"),
        (json!({"path": "active", "value": false}), "invalidSyntax"),
    ] {
        assert_eq!(refused(json!([operation.clone()])), word, "{operation}");
    }
}

#[test]
fn what_is_not_kept_keeps_nobody_from_leaving() {
    for path in [
        "roles[primary eq 'True'].value",
        "roles[primary eq \"True\"]",
        "roles[not a filter].value",
        "roles[]",
        "emails[type eq 'work'].colour",
        "urn:example:custom:2.0:User:badges[type is 7].value",
    ] {
        for op in ["add", "replace", "remove"] {
            let unknown = json!({"op": op, "path": path, "value": "x"});
            let leaves = json!({"op": "replace", "path": "active", "value": "False"});
            assert_eq!(done(json!([unknown, leaves]))["active"], false, "{unknown}");
        }
    }
    // What is not written as a path at all is refused still, and so is a filter of what is kept.
    for (path, word) in [
        ("roles[primary eq 'True'", "invalidPath"),
        ("roles[type eq 'x']y", "invalidPath"),
        ("emails[not a filter].value", "invalidFilter"),
    ] {
        assert_eq!(refused(json!([{"op": "add", "path": path, "value": "x"}])), word, "{path}");
    }
}

#[test]
fn attributes_are_set_and_removed_by_any_path() {
    let changed = done(json!([
        {"op": "Add", "path": "nickName", "value": "Barbie"},
        {"op": "replace", "path": "name.familyName", "value": "Smith"},
        {"op": "replace", "path": "name", "value": {"middleName": "Jane"}},
        {"op": "remove", "path": "externalId"},
        {"op": "replace", "path": (format!("{ENTERPRISE_URN}:employeeNumber")), "value": 17},
        {"op": "replace", "value": {"title": "Guide", "name.givenName": "Babs", (format!("{ENTERPRISE_URN}:division")): "Theme Park"}},
        {"op": "add", "value": {(ENTERPRISE_URN): {"costCenter": "4130", "manager": {"value": "26118915"}}}},
        {"op": "add", "path": "phoneNumbers[type eq \"work\"].value", "value": "555"},
        {"op": "remove", "path": "addresses"},
        {"op": "replace", "path": "urn:example:custom:2.0:User:shoeSize", "value": 44},
    ]));
    assert_eq!(changed["nickName"], "Barbie");
    assert_eq!(
        changed["name"],
        json!({"formatted": "Ms. Barbara J Jensen", "familyName": "Smith", "givenName": "Babs", "middleName": "Jane"})
    );
    assert_eq!(changed["title"], "Guide");
    assert_eq!(
        changed[ENTERPRISE_URN],
        json!({"employeeNumber": "17", "department": "Tour Operations", "division": "Theme Park", "costCenter": "4130"})
    );
    for gone in ["externalId", "phoneNumbers", "addresses"] {
        assert_eq!(changed.get(gone), None, "{gone}");
    }
    let bare = done(
        json!([{"op": "remove", "path": ENTERPRISE_URN}, {"op": "remove", "path": "name"}, {"op": "remove", "path": "emails"}]),
    );
    assert_eq!(
        bare,
        json!({"externalId": "bjensen", "userName": "bjensen@Example.com", "nickName": "Babs", "active": true})
    );
}

#[test]
fn values_of_a_list_are_chosen_by_filters() {
    let emails = |operation: Value| done(json!([operation]))["emails"].clone();
    let work = json!({"value": "bjensen@example.com", "type": "work", "primary": true});
    let home = json!({"value": "babs@jensen.org", "type": "home"});
    let changed = json!({"value": "b@example.com", "type": "work", "primary": true});
    for op in ["add", "Replace"] {
        let set = emails(json!({"op": op, "path": "emails[type eq \"work\"].value", "value": "b@example.com"}));
        assert_eq!(set, json!([changed, home]));
    }
    // Somebody without such an address gets one, as Entra ID expects.
    let other = emails(json!({"op": "replace", "path": "emails[type eq \"other\"].value", "value": "o@example.com"}));
    assert_eq!(other, json!([work, home, {"type": "other", "value": "o@example.com"}]));
    assert_eq!(
        refused(json!([{"op": "replace", "path": "emails[type ne \"work\" and type ne \"home\"].value", "value": "x"}])),
        "noTarget"
    );
    assert_eq!(
        emails(json!({"op": "remove", "path": "emails[type eq \"home\"]"})),
        json!([work])
    );
    assert_eq!(
        emails(json!({"op": "remove", "path": "emails[primary eq true].type"})),
        json!([{"value": "bjensen@example.com", "primary": true}, home])
    );
    assert_eq!(
        emails(json!({"op": "remove", "path": "emails", "value": [{"value": "babs@jensen.org"}]})),
        json!([work])
    );
    assert_eq!(
        emails(json!({"op": "remove", "path": "emails[type eq \"fax\"]"})),
        json!([work, home])
    );
    // What is added as the primary one takes the place of the other, and what is there is not added again.
    let primary = json!({"value": "new@example.com", "primary": true});
    let added = emails(json!({"op": "add", "path": "emails", "value": [primary.clone(), home]}));
    assert_eq!(
        added,
        json!([{"value": "bjensen@example.com", "type": "work", "primary": false}, home, primary])
    );
    assert_eq!(
        emails(json!({"op": "replace", "path": "emails", "value": primary})),
        json!([primary])
    );
    assert_eq!(emails(json!({"op": "replace", "path": "emails", "value": []})), Value::Null);
}

#[test]
fn what_is_no_patch_is_refused() {
    for (operations, word) in [
        (json!([]), "invalidSyntax"),
        (json!("x"), "invalidSyntax"),
        (json!(["x"]), "invalidSyntax"),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "add", "value": "x"}]), "invalidValue"),
        (json!([{"op": "add", "path": 7, "value": "x"}]), "invalidPath"),
        (json!([{"op": "add", "path": "a b", "value": "x"}]), "invalidPath"),
        (
            json!([{"op": "add", "path": "emails[type eq \"work\"", "value": "x"}]),
            "invalidPath",
        ),
        (
            json!([{"op": "add", "path": "emails[type eq \"work\"]x", "value": "x"}]),
            "invalidPath",
        ),
        (json!([{"op": "add", "path": "emails[type]", "value": "x"}]), "invalidFilter"),
        (json!([{"op": "add", "path": "title", "value": true}]), "invalidValue"),
        (json!([{"op": "add", "path": "emails", "value": 7}]), "invalidValue"),
        (json!([{"op": "add", "path": "name", "value": "x"}]), "invalidValue"),
        (json!([{"op": "add", "path": "id", "value": "x"}]), "mutability"),
        (json!([{"op": "replace", "value": {"id": "another"}}]), "mutability"),
        (json!([{"op": "replace", "path": "meta.created", "value": "x"}]), "mutability"),
        (json!([{"op": "remove", "path": "userName"}]), "mutability"),
        (json!([{"op": "replace", "path": "userName", "value": null}]), "invalidValue"),
        (json!([{"op": "remove", "path": USER_URN}]), "invalidPath"),
        (
            json!([{"op": "add", "op ": "x", "Op": "add", "path": "title"}]),
            "invalidSyntax",
        ),
    ] {
        assert_eq!(refused(operations.clone()), word, "{operations}");
    }
    let many = |n: usize| Value::Array(vec![json!({"op": "add", "path": "title", "value": "x"}); n]);
    assert_eq!(done(many(MOST_OPERATIONS))["title"], "x");
    assert_eq!(refused(many(10_000)), "invalidSyntax");
    let path = format!("emails[{}type pr{}]", "(".repeat(1000), ")".repeat(1000));
    assert_eq!(refused(json!([{"op": "remove", "path": path}])), "invalidFilter");
    let path = format!("emails[{}type pr{}]", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(refused(json!([{"op": "remove", "path": path}])), "invalidPath");
    let addresses: Vec<Value> = (0..101).map(|n| json!({"value": format!("{n}@example.org")})).collect();
    assert_eq!(
        refused(json!([{"op": "replace", "path": "emails", "value": addresses}])),
        "invalidValue"
    );
    let one_by_one: Vec<Value> = addresses
        .iter()
        .map(|address| json!({"op": "add", "path": "emails", "value": address}))
        .collect();
    assert_eq!(refused(Value::Array(one_by_one)), "invalidValue");
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let names = prop_oneof!["active|userName|emails|name|value|type|primary|id|meta", "[a-zA-Z.]{1,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Whatever is sent: it is refused, or the user still has a name and is active or not.
    #[test]
    fn no_patch_leaves_it_open_who_is_active(
        op in "add|remove|Replace",
        path in prop::option::of("active|userName|emails|name|emails\\[type eq \"work\"\\](\\.value)?|[a-z.]{1,8}"),
        value in json_values(),
    ) {
        if let Ok(members) = patched(json!([{"op": op, "path": path, "value": value}])) {
            prop_assert!(members["active"].is_boolean());
            prop_assert!(members["userName"].is_string());
            let primary = members["emails"].as_array().map_or(0, |emails| emails.iter().filter(|email| email["primary"] == true).count());
            let emails = members["emails"].as_array().is_none_or(|emails| emails.iter().all(Value::is_object));
            prop_assert!(emails && primary <= 4);
        }
    }
}
