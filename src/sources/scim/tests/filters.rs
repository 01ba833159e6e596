//! Filters: what they hold of, what is none, and how much of one is read.

use proptest::prelude::*;

use super::*;
use crate::sources::scim::protocol::filter::{Comparison, DEEPEST, Filter, MOST, Scope, holds, read};
use crate::sources::scim::protocol::schema::USER;

fn finds(filter: &str) -> bool {
    let filter = read(filter).unwrap_or_else(|scim_error| panic!("{filter}: {scim_error:?}"));
    holds(&filter, Scope::Resource(&USER), &barbara())
}

#[test]
fn the_examples_of_the_standard_hold_where_they_should() {
    for filter in [
        r#"userName Eq "BJENSEN@example.com""#,
        r#"name.familyName co "ENSE""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "bj""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "701984""#,
        r#"userName ew ".com""#,
        r"nickName pr",
        r"name pr and emails pr",
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified ge "2026-05-13T06:42:34+02:00""#,
        r#"meta.lastModified le "2026-05-13T04:42:34Z""#,
        r#"meta.lastModified lt "2026-05-13T04:42:35Z""#,
        r#"title pr or userName eq "bjensen@example.com""#,
        r#"userName eq "x" or nickName eq "babs" and active eq true"#,
        r#"(userName eq "x" or nickName eq "babs") and (active eq true)"#,
        r#"emails eq "BABS@jensen.org""#,
        r#"emails.value eq "babs@jensen.org""#,
        r#"emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work"].value eq "bjensen@example.com""#,
        r"emails[primary eq true].value pr",
        r#"emails co "example.com" or emails co "example.org""#,
        r#"not (userName eq "x")"#,
        r#"userName ne "x""#,
        r"title eq null",
        r"nickName ne null",
        r#"active eq "True""#,
        r#"externalId eq "bjensen""#,
        r#"nickName gt "aaa" and nickName lt "CAB""#,
        // Without quotes, as Microsoft's guide has them.
        r"userName eq bjensen@example.com",
        r"externalId eq bjensen and active eq True",
        r"(nickName eq babs)",
        r"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq 701984",
        r"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber co 1984",
        r"emails[type eq work].value eq bjensen@example.com",
        r"emails[type eq work and primary eq true] eq bjensen@example.com",
        r#"emails[type eq "work"] eq "bjensen@example.com""#,
        r"emails[type eq work] pr and title eq null",
        r"meta.lastModified gt 2011-05-13T04:42:34Z",
        "  nickName\tpr  ",
        // In single quotes.
        r"userName eq 'bjensen@example.com'",
        r"(nickName eq 'babs') and not (nickName eq '')",
        r"emails[type eq 'work'].value eq 'bjensen@example.com'",
        r"emails[primary eq 'True' and type eq 'work'].value pr",
        r"not (nickName eq 'say \'b\' or \u0022 or \\')",
        r#"not (nickName eq 'a "b" c')"#,
    ] {
        assert!(finds(filter), "{filter}");
    }
    for filter in [
        r#"userName eq "bjensen""#,
        r#"externalId eq "BJENSEN""#,
        r#"id eq "2819C223""#,
        r"title pr",
        r"active eq false",
        r#"emails[type eq "work" and value co "jensen.org"]"#,
        r#"emails[type eq "work"].value eq "babs@jensen.org""#,
        r#"phoneNumbers eq "1""#,
        r#"name eq "Barbara""#,
        r#"urn:example:2.0:User:userName eq "bjensen@example.com""#,
        r#"nickName eq "Babs" and title pr"#,
        r"nickName eq 1",
        r"nickName lt 1",
        r"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq 0701984",
        r"emails[type eq work] eq babs@jensen.org",
        r"emails[type eq home].value eq bjensen@example.com",
        r"not (nickName pr)",
        "not(nickName pr) or title pr",
    ] {
        assert!(!finds(filter), "{filter}");
    }
}

#[test]
fn what_is_no_filter_is_refused_and_not_quoted() {
    for filter in [
        "",
        "   ",
        "secret",
        "secret eq",
        "secret is \"x\"",
        "secret eq \"x",
        "secret eq \"\\q\"",
        "secret eq 'x",
        "secret eq 'x\\'",
        "secret eq '\\q'",
        "'secret' eq 'x'",
        "secret eq 'x' 'y'",
        "secret eq two words",
        "secret eq",
        "secret co null",
        "secret gt true",
        "secret le null",
        "secret pr pr",
        "secret pr and",
        "and secret pr",
        "secret pr xor secret pr",
        "(secret pr",
        "secret pr)",
        "()",
        "not secret pr",
        "emails[type eq \"work\"",
        "emails[]",
        "emails[type eq \"work\"].value",
        "emails[type eq \"work\"]. eq \"x\"",
        "emails[type eq \"work\"]x",
        "emails]",
        "secret.a.b pr",
        ".secret pr",
        "1secret pr",
        "secrét pr",
        "secret\u{0} pr",
        "\"secret\" eq \"secret\"",
    ] {
        let scim_error = read(filter).expect_err(filter);
        assert_eq!(scim_error.word, "invalidFilter", "{filter}");
        assert!(!scim_error.why.contains("secret"), "{}", scim_error.why);
    }
}

#[test]
fn depth_length_and_width_are_bounded() {
    let nested = |n: usize| format!("{}userName pr{}", "(".repeat(n), ")".repeat(n));
    assert!(read(&nested(DEEPEST - 1)).is_ok());
    for n in [DEEPEST, 1000, 2000] {
        assert!(read(&nested(n)).unwrap_err().why.contains("deeper"), "{n}");
    }
    assert!(read(&nested(1_000_000)).unwrap_err().why.contains("longer"));
    let negated = |n: usize| format!("{}userName pr{}", "not (".repeat(n), ")".repeat(n));
    assert!(read(&negated(DEEPEST - 1)).is_ok());
    assert!(read(&negated(500)).is_err());
    let within = |n: usize| format!("{}a pr{}", "a[".repeat(n), "]".repeat(n));
    assert!(read(&within(1000)).is_err());
    let wide = |n: usize| vec!["a pr"; n].join(" or ");
    assert!(read(&wide(MOST)).is_ok());
    assert!(read(&wide(MOST + 1)).unwrap_err().why.contains("100"));
}

/// Any filter, and how it is written.
fn filters() -> impl Strategy<Value = (Filter, String)> {
    let path = prop_oneof!["[a-z][A-Za-z0-9_-]{0,6}", "[a-z]{1,4}\\.[a-z]{1,4}"].prop_filter("a word of the grammar", |path| {
        !["not", "and", "or", "pr"].contains(&path.as_str())
    });
    let value = prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
    ];
    let leaf = prop_oneof![
        path.clone()
            .prop_map(|path| (Filter::Present(path.clone()), format!("{path} pr"))),
        (path.clone(), value).prop_map(|(path, value)| {
            let text = format!("{path} EQ {value}");
            let by = Comparison::Equal;
            let bare = (!value.is_string()).then(|| value.to_string());
            (Filter::Compare { path, by, value, bare }, text)
        }),
    ];
    leaf.prop_recursive(5, 20, 4, move |inner| {
        let several = || prop::collection::vec(inner.clone(), 2..4);
        let written = |all: &[(Filter, String)], word: &str| {
            let parts: Vec<String> = all.iter().map(|(_, text)| format!("({text})")).collect();
            parts.join(word)
        };
        let filters = |all: Vec<(Filter, String)>| all.into_iter().map(|(filter, _)| filter).collect();
        prop_oneof![
            several().prop_map(move |all| {
                let text = written(&all, " and ");
                (Filter::All(filters(all)), text)
            }),
            several().prop_map(move |any| {
                let text = written(&any, " OR ");
                (Filter::Any(filters(any)), text)
            }),
            inner
                .clone()
                .prop_map(|(filter, text)| (Filter::Not(Box::new(filter)), format!("not ({text})"))),
            ("[a-m]{1,4}", inner.clone()).prop_map(|(path, (filter, text))| {
                let text = format!("{path}[{text}]");
                (Filter::Within(path, Box::new(filter)), text)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_filter_is_read_as_it_was_written((filter, text) in filters()) {
        prop_assert_eq!(read(&text).unwrap(), filter);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[ -~]{0,60}|\\PC{0,30}|([a-z]{1,3}|[ ().\\[\\]\"\\\\]|eq|pr|and|not|or){0,30}") {
        if let Ok(filter) = read(&text) {
            holds(&filter, Scope::Resource(&USER), &barbara());
        }
    }
}
