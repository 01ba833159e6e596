//! Reports: each sentence is carried by the entries that it names, stored markup is text, and the shapes for programs hold.

use std::collections::BTreeMap;

use revoked_sandbox::world::{Browser, SessionKind};
use serde_json::Value;

use crate::harness::chat_holdings::Holdings;
use crate::harness::{Installation, InstallationPlan};

const HOSTILE: &str = "username:<script>alert(1)</script>`*x*`|@all\u{5d0}";
const NOTE: &str = "<img src=x onerror=alert(2)> \u{1b}[2J \u{202e} | **urgent**";

/// The entries of the trail by number.
pub(super) async fn trail(site: &Installation) -> BTreeMap<u64, Value> {
    let said = site.says(&["trail", "export"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let entries = said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.map(|entry| (entry["seq"].as_u64().unwrap(), entry)).collect()
}

pub(super) async fn report(site: &Installation, args: &[&str]) -> Value {
    let args = [args, &["--format", "json", "--utc"]].concat();
    site.says(&args).await.done()
}

/// What the entries of a statement must be, by the words that it begins with or has in it. The first that fits counts.
const CARRIED_BY: &[(&str, &str, &[&str])] = &[
    (
        "summary",
        "The last working day that ",
        &[
            "departure.planned",
            "departure.changed",
            "departure.executed",
            "case.contained",
            "case.cancelled",
            "hold.placed",
        ],
    ),
    ("summary", "is open again since", &["job.settled", "release.asked"]),
    ("called_off", "", &["case.called_off", "case.cancelled", "hold.rejected"]),
    ("summary", " said of ", &["signal.accepted", "case.opened"]),
    ("summary", "Contained", &["case.contained", "job.settled"]),
    ("summary", "Nobody of that name", &["case.contained", "job.settled"]),
    (
        "summary",
        "NOT PROVED, failed",
        &["case.contained", "job.settled", "job.failed"],
    ),
    ("summary", "Nothing was done: since", &["hold.placed"]),
    ("summary", "It goes on when", &["hold.placed"]),
    ("summary", "The next look", &["job.enqueued", "job.settled"]),
    (
        "summary",
        "; what was changed before stays changed.",
        &[
            "case.called_off",
            "case.cancelled",
            "hold.rejected",
            "action.started",
            "action.finished",
            "action.unknown",
        ],
    ),
    (
        "summary",
        "; nothing was changed at any target.",
        &["case.called_off", "case.cancelled", "hold.rejected"],
    ),
    ("summary", "about this person", &["case.opened"]),
    ("summary", "What was demanded is ended", &["job.settled"]),
    (
        "summary",
        "UNPROVED",
        &["hold.placed", "job.settled", "job.failed", "departure.planned"],
    ),
    ("summary", "Nothing was done: access is to end", &["departure.planned"]),
    ("planned", "; nothing is done before", &["departure.planned", "case.opened"]),
    ("planned", ", and held for a decision", &["hold.placed"]),
    ("proof", "", &["job.settled"]),
    ("held", "", &["job.settled"]),
    ("unproved", "held for a decision", &["hold.placed"]),
    ("unproved", "called off by", &["case.called_off", "case.cancelled"]),
    ("ways_in", "", &["job.settled"]),
    ("not_covered", "", &["job.settled"]),
    ("to_come", "", &["job.enqueued"]),
    ("changes", "", &["action.started", "action.finished", "action.unknown"]),
    ("course", "an alert was raised", &["alert.raised"]),
    ("course", " said of the person", &["signal.accepted"]),
    ("course", "the case was opened under", &["case.opened"]),
    ("course", "held for a decision", &["hold.placed"]),
    ("course", "rejected hold", &["hold.rejected"]),
    ("course", "as the first of two persons", &["hold.approval_given"]),
    ("course", "wrote a note beside the case", &["case.noted"]),
    ("course", "looks after the case", &["case.assigned"]),
    ("course", "cancelled the case", &["case.cancelled"]),
    ("course", "queued work was called off", &["job.cancelled"]),
    ("course", " was seen with ", &["observation.recorded"]),
    ("course", "could not be done", &["job.failed"]),
    ("course", "a second look showed", &["job.settled"]),
    ("course", "a further look at", &["job.enqueued"]),
    ("course", "the case was closed", &["case.contained"]),
    ("course", "came back", &["case.reopened"]),
    ("course", "no target knew the person", &["subject.unresolved"]),
    ("course", "planned the departure", &["departure.planned"]),
    ("course", "the departure was due", &["departure.executed"]),
    ("course", "called the departure off", &["departure.cancelled"]),
    ("course", "called the case off", &["case.called_off"]),
    ("course", "asked for the suspension", &["release.asked"]),
    ("ticket", "who", &["case.opened"]),
    ("ticket", "why", &["case.opened"]),
    ("ticket", "playbook", &["case.opened"]),
    ("ticket", "said by", &["signal.accepted"]),
    ("ticket", "asked for by", &["signal.accepted"]),
    ("ticket", "batch", &["signal.accepted"]),
    ("ticket", "note", &["signal.accepted"]),
    ("ticket", "account", &["job.settled"]),
    ("ticket", "first revoke", &["job.settled", "case.contained"]),
    (
        "ticket",
        "state",
        &[
            "case.contained",
            "hold.placed",
            "case.cancelled",
            "departure.planned",
            "job.settled",
        ],
    ),
];

/// Every statement of a report with the name of its section.
fn statements(report: &Value) -> Vec<(&str, &Value)> {
    let sections = report.as_object().unwrap().iter();
    let lists = sections.filter_map(|(name, section)| Some((name.as_str(), section.as_array()?)));
    let told = lists.flat_map(|(name, section)| section.iter().map(move |told| (name, told)));
    told.filter(|(_, told)| told.is_object()).collect()
}

/// Kind, case and time of the entries of every statement fit; gives how many statements there are.
fn is_carried(report: &Value, cases: &[i64], trail: &BTreeMap<u64, Value>) -> usize {
    let told = statements(report);
    for (section, told) in &told {
        let cited = told["entries"].as_array().unwrap();
        assert!(!cited.is_empty(), "nothing carries {told}");
        let cited: Vec<&Value> = cited.iter().map(|seq| &trail[&seq.as_u64().unwrap()]).collect();
        let words = told["what"].as_str().or(told["text"].as_str()).unwrap_or_default();
        let rule = CARRIED_BY.iter().find(|(of, part, _)| of == section && words.contains(part));
        let (.., kinds) = rule.unwrap_or_else(|| panic!("{section}: no rule for {told}"));
        for entry in &cited {
            let kind = entry["kind"].as_str().unwrap();
            assert!(kinds.contains(&kind), "{section}: {told} cites {entry}");
            // A signal is of a case before there is one, and a decision is of a hold.
            let own = matches!(
                kind,
                "signal.accepted" | "hold.approved" | "hold.rejected" | "hold.approval_given"
            );
            assert!(
                own || cases.contains(&entry["case"].as_i64().unwrap()),
                "{told} cites {entry}"
            );
        }
        let Some(at) = told["at"].as_str() else { continue };
        let at = at.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let told_at = |entry: &&&Value| {
            let detail = ["due", "answered_at", "first_revoke_at"]
                .iter()
                .map(|name| &entry["detail"][name]);
            [&entry["at"]].into_iter().chain(detail).any(|time| time.as_i64() == Some(at))
        };
        assert!(
            cited.iter().any(|entry| told_at(&entry)),
            "{section}: {told} is of another time than {cited:?}"
        );
    }
    told.len()
}

pub(super) fn texts(report: &Value, section: &str) -> Vec<String> {
    let told = report[section].as_array().unwrap().iter();
    told.map(|told| told["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_sentence_of_a_report_is_carried_by_the_entries_that_it_names() {
    let site = Installation::new(InstallationPlan {
        watch: "[\"1s\", \"1h\"]",
        policy: "compromises_per_minute = \"unlimited\"\nprotected = [\"username:user05\"]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &["--note", NOTE]).await;
    let person = Holdings::of(site.chat(), "user01");
    let now = revoked::clock::Clock::system().now().ms();
    site.chat()
        .world()
        .open_session(person.id, SessionKind::Login(Browser::web()), now);
    site.until_count("SELECT count(*) FROM cases WHERE reopened = 1 AND verdict = 'contained'", 1)
        .await;
    let held = site.says(&["revoke", "username:user05", "--reason", "compromised"]).await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    for subject in ["username:nobody.here", HOSTILE] {
        site.revoke(subject, "compromised", &["--note", NOTE]).await;
    }
    running.stop().await;
    let entries = trail(&site).await;

    let reopened = report(&site, &["case", "report", "1"]).await;
    assert!(is_carried(&reopened, &[1], &entries) > 30, "{reopened:#}");
    let summary = texts(&reopened, "summary");
    assert!(
        summary[0].contains("said of username:user01: compromised") && summary.len() == 3,
        "{summary:?}"
    );
    let ended: i64 = entries
        .values()
        .filter(|entry| entry["kind"] == "job.settled" && entry["case"] == 1)
        .map(|entry| entry["detail"]["ended_count"].as_i64().unwrap())
        .sum();
    assert!(
        summary[1].contains(&format!("{ended} grants were ended at chat")),
        "{summary:?}"
    );
    assert!(summary[2].starts_with("The next look is at "), "{summary:?}");
    assert!(!texts(&reopened, "not_covered").is_empty() && !texts(&reopened, "ways_in").is_empty());
    let course: Vec<&str> = reopened["course"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told["what"].as_str().unwrap())
        .collect();
    assert!(
        course.iter().any(|what| what.contains("access at chat came back")),
        "{course:?}"
    );
    assert_eq!(reopened["trail"]["verified"], true);
    assert!(reopened["trail"]["checkpoint"]["size"].as_u64().unwrap() > 0, "{reopened:#}");

    let waiting = report(&site, &["case", "report", "2"]).await;
    assert!(is_carried(&waiting, &[2], &entries) > 5, "{waiting:#} after {held:?}");
    let summary = texts(&waiting, "summary");
    assert!(
        summary[1].starts_with("Nothing was done: since ") && summary[2].ends_with("revoked hold show 1"),
        "{summary:?}"
    );
    assert_eq!(waiting["changes"], serde_json::json!([]));

    let nobody = report(&site, &["case", "report", "3"]).await;
    assert!(is_carried(&nobody, &[3], &entries) > 5, "{nobody:#}");
    assert!(
        texts(&nobody, "summary")[1].starts_with("Nobody of that name was found at chat"),
        "{nobody:#}"
    );

    // The target cannot be asked by such a name: it stands in the ledger, and the report says that nothing is proved.
    let failed = report(&site, &["case", "report", "4"]).await;
    assert!(is_carried(&failed, &[4], &entries) > 5, "{failed:#}");
    assert!(
        texts(&failed, "summary")[1].starts_with("NOT PROVED, failed: 0 grants"),
        "{failed:#}"
    );

    let certificate = report(&site, &["person", "report", "username:user05"]).await;
    is_carried(&certificate, &[2], &entries);
    assert_eq!(certificate["unproved_count"], 1, "{certificate:#}");
    let certificate = report(&site, &["person", "report", "username:user01"]).await;
    assert!(is_carried(&certificate, &[1], &entries) > 5, "{certificate:#}");
    assert_eq!(certificate["unproved_count"], 0, "{certificate:#}");
    let early = site
        .says(&["person", "report", "username:user01", "--until", "2020-01-01"])
        .await;
    assert!(early.code == 1 && early.err.contains("--until"), "{early:?}");
}

/// The day so many days from now, in UTC.
fn day(from_now: i64) -> String {
    let now = jiff::Timestamp::from_millisecond(revoked::clock::Clock::system().now().ms()).unwrap();
    let date = jiff::tz::TimeZone::UTC.to_datetime(now).date();
    date.checked_add(jiff::Span::new().days(from_now)).unwrap().to_string()
}

/// A site at which somebody left late, somebody is to leave, somebody's hold was rejected, somebody's account was given back, and nobody was found
/// of a name. Stopped, with its trail.
async fn with_leavers() -> (Installation, BTreeMap<u64, Value>) {
    let site = Installation::new(InstallationPlan {
        policy: "protected = [\"email:user03@example.test\"]",
        more: "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/drop\"\ninterval = \"100ms\"\nsettle = \"100ms\"\n",
        ..InstallationPlan::default()
    })
    .await;
    std::fs::create_dir(site.path("drop")).unwrap();
    let running = site.start().await;
    let (late, ahead) = (day(-3), day(40));
    let rows = format!(
        "employee_id,email,last_working_day,action\n1,user01@example.test,{late},terminate\n2,user02@example.test,{ahead},terminate\n\
         3,user03@example.test,{late},terminate\n4,user04@example.test,{late},terminate\n5,ghost@example.test,{late},terminate\n#EOF,rows=5\n"
    );
    std::fs::write(site.path("leavers.tmp"), rows).unwrap();
    std::fs::rename(site.path("leavers.tmp"), site.path("drop/leavers.csv")).unwrap();
    site.until_count("SELECT count(*) FROM cases WHERE state = 'closed'", 3).await;
    let rejected = site.says(&["hold", "reject", "1", "--yes", "--note", "a wrong file"]).await;
    assert_eq!(rejected.code, 0, "{rejected:?}");
    let case = case_of(&site, "user04").await.to_string();
    let set = site.ask(&["release", &case]).await["set"].as_str().unwrap().to_owned();
    let released = site
        .says(&["release", &case, "--set", &set, "--note", "stays until June"])
        .await;
    assert_eq!(released.code, 0, "{released:?}");
    site.until_count("SELECT count(*) FROM job WHERE verdict = 'released'", 1)
        .await;
    running.stop().await;
    let entries = trail(&site).await;
    (site, entries)
}

async fn case_of(site: &Installation, who: &str) -> i64 {
    let cases = site.ask(&["case", "list", "--subject", &format!("{who}@example.test")]).await;
    cases[0]["id"].as_i64().unwrap()
}

/// The certificate of a person whom one case is about, which begins as the report of that case does; both are carried by the trail.
async fn certified(site: &Installation, who: &str, entries: &BTreeMap<u64, Value>) -> Value {
    let case = case_of(site, who).await;
    let certificate = report(site, &["person", "report", &format!("{who}@example.test")]).await;
    is_carried(&certificate, &[case], entries);
    let of_case = report(site, &["case", "report", &case.to_string()]).await;
    is_carried(&of_case, &[case], entries);
    assert_eq!(
        texts(&of_case, "summary")[0],
        texts(&certificate, "summary")[0],
        "both begin with the departure"
    );
    certificate
}

#[tokio::test]
async fn the_report_of_a_leaver_begins_with_the_last_day_and_how_late_access_ended_after_it() {
    let (site, entries) = with_leavers().await;
    let out = certified(&site, "user01", &entries).await;
    let first = &texts(&out, "summary")[0];
    assert!(
        first.starts_with(&format!(
            "The last working day that source hr named is {} (UTC): access was to end at {} 00:00:00, and had ended by ",
            day(-3),
            day(-2)
        )) && first.ends_with(" late."),
        "{first}"
    );
    let planned = certified(&site, "user02", &entries).await;
    let first = &texts(&planned, "summary")[0];
    assert!(
        first.ends_with(&format!("is {} (UTC): access is to end at {} 00:00:00.", day(40), day(41))),
        "{first}"
    );
    assert_eq!(planned["unproved_count"], 0, "nothing was due: {planned:#}");
    assert_eq!(planned["unproved"], serde_json::json!([]));
    let case = case_of(&site, "user02").await;
    assert_eq!(
        texts(&planned, "planned"),
        [format!(
            "case {case}: planned for {} 00:00:00; nothing is done before",
            day(41)
        )]
    );
    let written = site.says(&["person", "report", "user02@example.test"]).await;
    assert!(!written.out.contains("UNPROVED"), "{written:?}");
    let nobody = certified(&site, "ghost", &entries).await;
    assert!(
        texts(&nobody, "summary")[0].ends_with(", and no target knew the person."),
        "{nobody:#}"
    );

    let early = site
        .says(&["person", "report", "user01@example.test", "--until", "2020-01-01", "--utc"])
        .await;
    assert!(
        early.code == 1
            && early
                .err
                .contains("nothing was known of email:user01@example.test by 2020-01-02 00:00:00")
            && early.err.contains("the first case, ")
            && early.err.contains("--until"),
        "{early:?}"
    );
    let unknown = site.says(&["person", "report", "user09@example.test"]).await;
    assert!(unknown.code == 1 && unknown.err.contains("no case is about"), "{unknown:?}");

    // Checkpoints beside the store prove nothing against whoever owns the folder, and the report says so.
    let args = ["person", "report", "user01@example.test"];
    assert!(!site.says(&args).await.out.contains("confirms nothing"));
    let config = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), config.replace("/outside/checkpoints", "/checkpoints")).unwrap();
    std::fs::copy(site.path("outside/checkpoints"), site.path("checkpoints")).unwrap();
    let beside = site.says(&args).await.out;
    assert!(
        beside.contains("` lies beside the store; whoever owns that folder owns both, so it confirms nothing against them."),
        "{beside}"
    );
}

#[tokio::test]
async fn what_was_called_off_is_no_failure_of_a_proof_and_what_was_given_back_is_said_to_be_open() {
    let (site, entries) = with_leavers().await;
    let called_off = certified(&site, "user03", &entries).await;
    assert_eq!(called_off["unproved_count"], 0, "{called_off:#}");
    let said = texts(&called_off, "called_off");
    assert!(
        said.len() == 1 && said[0].contains(" rejected hold 1: a wrong file") && said[0].contains(": called off on 20"),
        "{called_off:#}"
    );
    assert!(
        texts(&called_off, "summary")[0].contains(", and was called off at "),
        "{called_off:#}"
    );
    let case = case_of(&site, "user03").await;
    let noted = site.says(&["case", "note", &case.to_string(), "asked HR back"]).await;
    assert_eq!(noted.code, 0, "{noted:?}");
    let of_case = report(&site, &["case", "report", &case.to_string()]).await;
    is_carried(&of_case, &[case], &trail(&site).await);
    let said = &texts(&of_case, "summary")[2];
    assert!(
        said.ends_with(" rejected hold 1: a wrong file; nothing was changed at any target."),
        "{of_case:#}"
    );
    let course = of_case["course"].to_string();
    assert!(
        course.contains(" wrote a note beside the case") && !course.contains("asked HR back"),
        "{course}"
    );

    let back = certified(&site, "user04", &entries).await;
    let summary = texts(&back, "summary");
    assert!(
        summary
            .iter()
            .any(|said| said.starts_with("The account at chat is open again since ")
                && said.contains("had the suspension undone: stays until June")),
        "{summary:?}"
    );
    assert_eq!(back["called_off"], serde_json::json!([]), "it is told as a release");
    assert_eq!(back["unproved_count"], 0, "what was given back lacks no proof: {back:#}");
    let held = back["held"].as_array().unwrap();
    assert!(
        held.iter().any(|row| row["how_it_ended"]
            .as_str()
            .unwrap()
            .starts_with("given back: open again since ")),
        "{held:?}"
    );
    let undone = site.says(&["departures", "show", "user04@example.test"]).await;
    assert!(
        undone
            .out
            .contains("executed, late, and undone: the account is open again since "),
        "{undone:?}"
    );
}

#[tokio::test]
async fn what_others_have_written_is_text_in_every_form_and_an_erased_person_has_no_name() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.revoke(HOSTILE, "compromised", &["--note", NOTE]).await;
    site.revoke("username:user02", "compromised", &["--note", "seen by Zoe"])
        .await;
    // A stop in the middle of the work would be told too.
    site.until_count("SELECT count(*) FROM cases WHERE closed_at IS NOT NULL", 2)
        .await;
    running.stop().await;
    let page = site.path("case.html");
    let written = site
        .says(&["case", "report", "1", "--format", "html", "--out", page.to_str().unwrap()])
        .await;
    assert_eq!(written.code, 0, "{written:?}");
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    assert!(html.contains("&lt;img src=x onerror=alert(2)&gt;"), "{html}");
    assert!(html.contains("default-src 'none'") && html.contains("@media print"), "{html}");
    for text in [
        html,
        site.says(&["case", "report", "1"]).await.out,
        site.says(&["handover"]).await.out,
    ] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
    // In Markdown it stands in a span that its own backticks do not end, and within a table its bar is none of the table's.
    let markdown = site.says(&["case", "report", "1", "--utc"]).await.out;
    let span = format!("``{HOSTILE}``");
    assert!(markdown.lines().next().unwrap().contains(&span), "{span} in {markdown}");
    let rows = markdown.lines().filter(|line| line.starts_with("| who |")).count();
    assert!(
        rows == 1 && markdown.contains("|@all") && markdown.contains("\\|@all"),
        "{markdown}"
    );
    assert!(markdown.contains("Times are UTC."), "{markdown}");

    let named = site.says(&["case", "report", "2"]).await.out;
    assert!(named.contains("user02") && named.contains("seen by Zoe"), "{named}");
    let erased = site.says(&["erase", "username:user02"]).await;
    assert_eq!(erased.code, 0, "{erased:?}");
    let unnamed = site.says(&["case", "report", "2"]).await.out;
    assert!(!unnamed.contains("user02") && !unnamed.contains("Zoe"), "{unnamed}");
    assert!(unnamed.contains("a person whose name was erased, `s_"), "{unnamed}");
    let unnamed = report(&site, &["case", "report", "2"]).await;
    is_carried(&unnamed, &[2], &trail(&site).await);
}

#[tokio::test]
async fn a_person_is_certified_and_shown_by_every_name_by_which_a_case_has_come_to_the_account() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    for (name, reason) in [("username:user03", "compromised"), ("email:user03@example.test", "departed")] {
        let revoked = site.revoke(name, reason, &[]).await;
        assert_eq!(revoked.code, 0, "{revoked:?}");
    }
    site.revoke("username:user04", "compromised", &[]).await;
    let listed = site.ask(&["case", "list", "--subject", "username:user03"]).await;
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed:#}");
    for name in ["username:user03", "email:user03@example.test"] {
        let certified = report(&site, &["person", "report", name]).await;
        assert_eq!(certified["cases"], serde_json::json!([1, 2]), "{name}: {certified:#}");
        let opened = site
            .says(&["trail", "show", "--subject", name, "--kind", "case.opened", "--json"])
            .await;
        assert_eq!(opened.out.lines().count(), 2, "{name}: {opened:?}");
        let shown = site.says(&["subject", "show", name, "--json"]).await;
        assert_eq!(shown.json()["cases"].as_array().map(Vec::len), Some(2), "{name}: {shown:?}");
    }
    running.stop().await;
}
