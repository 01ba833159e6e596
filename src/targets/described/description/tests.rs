//! Every mistake of a description is found, with its place.

use super::Description;
use crate::settings::ConfigReport;

/// A description without a mistake, to be spoilt.
const SOUND: &str = r#"name = "wiki"
about = "a wiki"
needs = ["token"]
keys = ["realm"]
origins = ["https://login.example.org"]

[auth]
headers = { Authorization = "Bearer {secret.token}" }

[[answer]]
status = 403
means = "ours"

[self]
call = "GET /me"
id = "/id"

[[resolve]]
by = "username"
call = "GET /users?name={name}"
paging = "none"
items = "/users"
match = { pointer = "/name" }

[[resolve]]
by = "email"
call = "GET /users?filter={filter}"
filter = "mail eq {name|quoted}"
paging = { page = "page", count = "size", size = 50 }
items = "/users"
match = { pointer = "/mail", fold = true }

[principal]
call = "GET /users/{id}"
id = "/id"
names = [{ pointer = "/name", is = "username" }, { pointer = "/mail", is = "email" }]
suspended = [[{ pointer = "/active", equals = false }]]

[[suspend]]
call = "PUT /users/{id}"
json = { active = false }

[[grant]]
kind = "session"
call = "GET /users/{id}/sessions"
paging = { link = "next" }
items = ""
id = "/id"
end = { call = "DELETE /users/{id}/sessions/{grant}" }
gone = [{ status = 404, pointer = "/error", equals = "no session" }]

[[residual]]
what = "a cached page"
life = "5m"

[not_covered]
pages = "Pages that the person has saved."
"#;

fn said(text: &str) -> String {
    match Description::read(text) {
        Ok(_) => String::new(),
        Err(mistakes) => ConfigReport::new("t", text, mistakes).to_string(),
    }
}

#[test]
fn a_sound_description_is_read() {
    assert_eq!(said(SOUND), "");
}

/// What is spoilt, into what, and what is said of it; nothing where it is no mistake.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("about = \"a wiki\"\n", "", "t:1:1: the key `about` is missing"),
    (
        "name = \"wiki\"",
        "name = \"Wiki!\"",
        "t:1:8: name: it is the word for the kind",
    ),
    (
        "keys = [\"realm\"]",
        "keys = [\"url\"]",
        "t:4:9: keys: every target has a key `url` of its own already",
    ),
    (
        "keys = [\"realm\"]",
        "keys = [\"token\"]",
        "t:4:8: keys: `token` is in `needs` too",
    ),
    (
        "[\"https://login.example.org\"]",
        "[\"http://login.example.org\"]",
        "t:5:12: origins: it is https:// and a host",
    ),
    (
        "[auth]\nheaders = { Authorization = \"Bearer {secret.token}\" }\n",
        "",
        "the table [auth] is missing",
    ),
    (
        "{secret.token}",
        "{secret.tokn}",
        "t:8:29: {secret.tokn}: `needs` does not name it; did you mean {secret.token}?",
    ),
    ("{secret.token}", "{token}", "t:8:29: {token}: there is no [auth.exchange]"),
    (
        "{secret.token}",
        "{secret.token|upper}",
        "t:8:29: {secret.token|upper}: it cannot be \"upper\"",
    ),
    ("{secret.token}", "{secret.token", "t:8:29: a brace names a value"),
    (
        "means = \"ours\"",
        "means = \"our\"",
        "t:12:9: means: it cannot be \"our\"; did you mean \"ours\"?",
    ),
    ("status = 403", "status = 4030", "t:11:10: status: it must be an HTTP status"),
    ("status = 403\n", "", "t:10:1: the rule matches every answer"),
    ("means = \"ours\"", "means = \"off\"", "say `why` it is absent"),
    (
        "id = \"/id\"\n\n[[resolve]]",
        "\n[[resolve]]",
        "t:14:1: the key `id` is missing",
    ),
    ("by = \"username\"", "by = \"nick\"", "t:19:6: by: it cannot be \"nick\""),
    // A search that reads everybody: `match` says who is meant.
    ("name={name}", "name=x", ""),
    ("name={name}", "name={id}", "t:20:8: {id} has no value here"),
    (
        "GET /users?name",
        "FETCH /users?name",
        "t:20:8: call: it is a method in capitals",
    ),
    (
        "GET /users?name",
        "GET users?name",
        "t:20:8: call: the path begins with one slash",
    ),
    (
        "GET /users?name",
        "GET //evil.example.org/users?name",
        "t:20:8: call: the path begins with one slash",
    ),
    (
        "GET /users?name",
        "GET https://evil.example.org/users?name",
        "t:20:8: call: https://evil.example.org is another origin",
    ),
    (
        "GET /users?name",
        "GET https://login.example.org.evil.org/users?name",
        "is another origin",
    ),
    (
        "GET /users?name",
        "GET /a/../users?name",
        "t:20:8: call: the segment \"..\" leaves the path",
    ),
    ("GET /users?name", "GET /a/%2E%2e/users?name", "leaves the path"),
    (
        "GET /users?name",
        "GET /a\\\\users?name",
        "t:20:8: call: a path and a query hold no backslash",
    ),
    ("paging = \"none\"\n", "", "t:18:1: the key `paging` is missing"),
    (
        "paging = \"none\"",
        "paging = \"all\"",
        "t:21:10: paging: it cannot be \"all\"",
    ),
    (
        "paging = \"none\"",
        "paging = { curser = \"/next\" }",
        "t:21:10: paging: say \"none\", or one of",
    ),
    (
        "paging = \"none\"",
        "paging = { cursor = \"/next\" }",
        "t:21:10: the key `send` is missing",
    ),
    ("size = 50", "size = 0", "size: it must be from 1 to 10000"),
    ("size = 50", "size = 50, frist = 0", "unknown key `frist`"),
    (
        "items = \"/users\"\nmatch = { pointer = \"/name\" }",
        "items = \"/users\"",
        "t:22:9: items: a search needs `match`",
    ),
    (
        "items = \"/users\"\nmatch = { pointer = \"/name\" }",
        "items = \"users\"\nmatch = { pointer = \"/name\" }",
        "t:22:9: items: a JSON pointer begins with a slash",
    ),
    ("{ pointer = \"/name\" }", "{ point = \"/name\" }", "unknown key `point`"),
    (
        "paging = \"none\"\nitems = \"/users\"\nmatch = { pointer = \"/name\" }",
        "at = \"/user\"",
        "t:20:8: call: nothing here says that nobody is there",
    ),
    (
        "paging = \"none\"\nitems = \"/users\"\nmatch = { pointer = \"/name\" }",
        "nobody = [{ status = 403 }]",
        "t:21:10: nobody: an answer of that status is about us",
    ),
    (
        "paging = \"none\"\nitems = \"/users\"\nmatch = { pointer = \"/name\" }",
        "leads_to = { by = \"employee_id\", at = \"/no\" }\nnobody = [{ status = 404 }]",
        "leads_to: there is no [[resolve]] by \"employee_id\"",
    ),
    (
        "{name|quoted}",
        "{name}",
        "t:28:10: filter: a value that comes from outside needs |quoted",
    ),
    (
        "filter={filter}",
        "filter={name}",
        "filter: the request does not name {filter}",
    ),
    (
        "by = \"email\"",
        "by = \"username\"",
        "there is a [[resolve]] by \"username\" already",
    ),
    (
        "GET /users/{id}\"\nid = \"/id\"\nnames",
        "GET /users/me\"\nid = \"/id\"\nnames",
        "the account is read by its {id}",
    ),
    ("is = \"username\"", "is = \"user\"", "is: it cannot be \"user\""),
    (
        "{ pointer = \"/name\", is = \"username\" }",
        "{ pointer = \"/name\", is = \"username\", written = \"@x\" }",
        "written: it holds {name} once",
    ),
    (
        "equals = false",
        "equal = false",
        "unknown key `equal`; did you mean `equals`?",
    ),
    (
        "[[{ pointer = \"/active\", equals = false }]]",
        "[{ pointer = \"/active\", equals = false }]",
        "suspended: it must be a list of lists of conditions",
    ),
    (
        "suspended = [[{ pointer = \"/active\", equals = false }]]\n",
        "",
        "[principal] does not say by `suspended` whether it worked",
    ),
    (
        "PUT /users/{id}\"\njson",
        "PUT /users\"\njson",
        "names neither {id} nor {principal:…}",
    ),
    ("PUT /users/{id}\"\njson", "GET /users/{id}\"\njson", "a GET changes nothing"),
    ("{ active = false }", "{ active = \"{grant}\" }", "{grant} has no value here"),
    (
        "{ active = false }",
        "{ active = false }\nform = { a = \"b\" }",
        "a request carries `json` or a `form`, not both",
    ),
    (
        "{ active = false }",
        "{ active = false }\nwhen = [[{ pointer = \"/x\" }]]",
        "a condition has a pointer and one of",
    ),
    (
        "{ active = false }",
        "{ active = false }\nheaders = { X-User = \"{id}\" }",
        "does not belong into a header",
    ),
    (
        "kind = \"session\"",
        "kind = \"sesion\"",
        "kind: it cannot be \"sesion\"; did you mean \"session\"?",
    ),
    (
        "GET /users/{id}/sessions\"\npaging",
        "GET /sessions\"\npaging",
        "call: the list is not of one account",
    ),
    (
        "paging = { link = \"next\" }\n",
        "",
        "a list of which nobody knows whether it is whole proves nothing",
    ),
    (
        "items = \"\"\n",
        "",
        "the key `items` is missing; it says where in the answer the list is",
    ),
    (
        "id = \"/id\"\nend",
        "end",
        "the key `id` is missing; it says by what a grant is ended",
    ),
    ("sessions/{grant}", "sessions/all", ""),
    (
        "DELETE /users/{id}/sessions/{grant}",
        "DELETE /sessions/all",
        "end: the request does not name what it ends",
    ),
    (
        "id = \"/id\"\nend",
        "id = \"/id\"\nended_by = [\"password\"]\nend",
        "ended_by: there is no [[password]]",
    ),
    (
        "id = \"/id\"\nend",
        "id = \"/id\"\nunlisted = \"none\"\nend",
        "unlisted: there is a list above",
    ),
    (
        "id = \"/id\"\nend",
        "id = \"/id\"\nproof = { moment = { pointer = \"/since\" } }\nend",
        "proof: nothing ends what it proves",
    ),
    (
        "id = \"/id\"\nend",
        "id = \"/id\"\ncreated = { pointer = \"/made\", form = \"unix_s\" }\nend",
        "form: it cannot be \"unix_s\"",
    ),
    (
        "gone = [{ status = 404,",
        "gone = [{ status = 500,",
        "gone: an answer of that status is about us",
    ),
    (
        "gone = [{ status = 404,",
        "gone = [{ status = 408,",
        "gone: an answer of that status is about us",
    ),
    (
        "gone = [{ status = 404,",
        "gone = [{ status = 511,",
        "gone: an answer of that status is about us",
    ),
    // The list afterwards decides.
    (
        "gone = [{ status = 404, pointer = \"/error\", equals = \"no session\" }]",
        "gone = [{ status = 404 }]",
        "",
    ),
    (
        "paging = \"none\"\nitems = \"/users\"\nmatch = { pointer = \"/name\" }",
        "nobody = [{ status = 404 }]",
        "t:21:10: nobody: a status alone is what a wrong URL gets as well",
    ),
    (
        "paging = \"none\"\nitems = \"/users\"\nmatch = { pointer = \"/name\" }",
        "nobody = [{ status = 404 }]\nnobody_needs = { call = \"GET /users\", holds = [[{ pointer = \"/0\", exists = true }]] }",
        "",
    ),
    (
        "GET /users/{id}/sessions\"\npaging",
        "GET /sessions\"\nwhere = [{ pointer = \"/active\", equals = true }]\npaging",
        "call: the list is not of one account",
    ),
    (
        "GET /users/{id}/sessions\"\npaging",
        "GET /sessions\"\nwhere = [{ pointer = \"/user\", equals = \"{id}\" }]\npaging",
        "",
    ),
    (
        "GET /users/{id}/sessions\"\npaging",
        "GET /sessions\"\nowner = \"/user\"\npaging",
        "",
    ),
    (
        "GET /users/{id}/sessions\"\npaging",
        "GET /apps/{each}/sessions\"\neach = { call = \"GET /apps\", paging = \"none\", items = \"\", at = \"/id\" }\npaging",
        "call: the list is not of one account",
    ),
    (
        "GET /users/{id}/sessions\"\npaging",
        "GET /apps/{each}/sessions\"\neach = { call = \"GET /users/{id}/apps\", paging = \"none\", items = \"\", at = \"/id\" }\npaging",
        "",
    ),
    (
        "[not_covered]\npages",
        "[[grant]]\nkind = \"api_key\"\nend_all = { call = \"DELETE /users/{id}/keys\" }\nproof = { call = \"GET /events\", paging = \"none\", items = \"\", \
         where = [{ pointer = \"/kind\", equals = \"key\" }], moment = { pointer = \"/at\" } }\n[not_covered]\npages",
        "call: it does not ask about one account",
    ),
    (
        "[not_covered]\npages",
        "[[grant]]\nkind = \"api_key\"\nend_all = { call = \"DELETE /users/{id}/keys\" }\nproof = { moment = { pointer = \"/at\", form = \"date\" } }\n\
         [not_covered]\npages",
        "moment: a day is no moment",
    ),
    (
        "[not_covered]\npages",
        "[[grant]]\nkind = \"api_key\"\nend_all = { call = \"DELETE /users/{id}/keys\" }\nproof = { moment = { pointer = \"/at\", form = \"unix\" } }\n\
         [not_covered]\npages",
        "",
    ),
    (
        "sessions/{grant}",
        "sessions/{parent}/{grant}",
        "end: nothing says what {parent} is",
    ),
    (
        "id = \"/id\"\nend = { call = \"DELETE /users/{id}/sessions/{grant}",
        "id = \"/id\"\nparent = \"/app\"\nend = { call = \"DELETE /users/{id}/sessions/{parent}/{grant}",
        "",
    ),
    (
        "id = \"/id\"\nend",
        "id = \"/id\"\ndisable = { call = \"PUT /sessions/{grant}\" }\nend",
        "disable: nothing says whether it worked; write `enabled`",
    ),
    (
        "id = \"/id\"\nend",
        "id = \"/id\"\nenabled = [[{ pointer = \"/on\", equals = true }]]\ndisable = { call = \"PUT /sessions/{grant}\" }\nend",
        "",
    ),
    (
        "id = \"/id\"\nend",
        "id = \"/id\"\nenabled = [[{ pointer = \"/on\", equals = true }]]\ndisable = { call = \"PUT /sessions/{grant}\" }\n\
         end_all = { call = \"DELETE /users/{id}/sessions\" }\nend",
        "disable: `end_all` ends all of the kind",
    ),
    (
        "id = \"/id\"\nend = { call = \"DELETE /users/{id}/sessions/{grant}\" }",
        "id = \"/id\"\nenabled = [[{ pointer = \"/on\", equals = true }]]\ndisable = { call = \"PUT /sessions/{grant}\" }",
        "disable: nothing ends the kind",
    ),
    ("life = \"5m\"", "life = \"soon\"", "life: \"soon\" is not a length of time"),
    (
        "[not_covered]\npages = \"Pages that the person has saved.\"\n",
        "",
        "the table [not_covered] is missing",
    ),
    (
        "[[residual]]",
        "[[residuals]]",
        "unknown key `residuals`; did you mean `residual`?",
    ),
];

#[test]
fn every_mistake_is_found_at_its_place() {
    for (from, to, expected) in MISTAKES {
        let spoilt = SOUND.replacen(from, to, 1);
        assert_ne!(spoilt, SOUND, "{from} is not there");
        let said = said(&spoilt);
        if expected.is_empty() {
            assert_eq!(said, "", "{from} → {to}");
        } else {
            assert!(said.contains(expected), "{from} → {to}\nwanted {expected}\nsaid {said}");
        }
    }
}

#[test]
fn all_mistakes_are_found_in_one_reading() {
    let spoilt = SOUND
        .replacen("about = \"a wiki\"\n", "", 1)
        .replacen("means = \"ours\"", "meens = \"ours\"", 1)
        .replacen("paging = \"none\"\n", "", 1)
        .replacen("{name|quoted}", "{name}", 1)
        .replacen("kind = \"session\"", "kind = \"sesion\"", 1);
    assert_eq!(said(&spoilt).lines().count(), 6, "{}", said(&spoilt));
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    assert!(
        said("name = \"wiki\nabout = 3").starts_with("t:1:"),
        "{}",
        said("name = \"wiki\nabout = 3")
    );
}

#[test]
fn an_application_has_no_account_that_a_request_could_name() {
    let application = SOUND.replacen("about =", "acts_as = \"application\"\nabout =", 1).replacen(
        "[self]\ncall = \"GET /me\"\nid = \"/id\"\n",
        "",
        1,
    );
    assert_eq!(said(&application), "");
    let naming = application.replacen("name={name}", "name={name}&as={self}", 1);
    assert!(
        said(&naming).contains("{self}: the credential is an application's own"),
        "{}",
        said(&naming)
    );
    assert_eq!(said(&SOUND.replacen("name={name}", "name={name}&as={self}", 1)), "");
}
