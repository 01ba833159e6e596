//! What a file may hold, row by row: facts, vectors and properties.

use proptest::prelude::*;

use super::*;
use crate::model::{DepartureStep, Disposition, Leaves, Priority, Reason, Signal, Subject, Timestamp, When};
use crate::sources::hr_csv::rows::change_kind::ChangeKind;
use crate::sources::hr_csv::statements::latest::latest_statements;
use crate::sources::hr_csv::statements::signals;

const HEADER: &str = "employee_id,employment_id,email,upn,status,last_working_day,effective_at,timezone,action,reason,updated_at";

fn rules() -> Rules {
    Rules {
        time_zone: "Europe/Berlin".into(),
        ..Rules::new("hr", "/drop")
    }
}

fn file(text: impl AsRef<[u8]>) -> FileContents {
    read(text.as_ref(), &rules()).unwrap()
}

fn with_header(rows: &str) -> FileContents {
    file(format!("{HEADER}\n{rows}\n"))
}

fn rejected(text: impl AsRef<[u8]>) -> String {
    let contents = file(text);
    assert_eq!(contents.rows, [], "nothing may be acted on");
    contents.rejected.unwrap()
}

fn why(row: &str) -> String {
    let contents = with_header(row);
    assert_eq!((contents.rows.len(), contents.bad.len()), (0, 1), "{row}");
    let wrong = &contents.bad[0].why;
    assert!(!wrong.instead.is_empty());
    wrong.to_string()
}

fn at(text: &str) -> Timestamp {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn signal(row: &str, now: &str) -> Signal {
    let contents = with_header(row);
    assert_eq!(contents.bad, [], "{row}");
    let said = latest_statements(contents.rows, at(now)).remove(0);
    signals::signal(&said, &rules(), at(now), &contents.sha256)
}

fn leave(signal: &Signal) -> (Leaves, String) {
    match &signal.when {
        When::Departure(departure) => match &departure.step {
            DepartureStep::Leave { leaves, fire_at } => (leaves.clone(), fire_at.to_string()),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

const NOW: &str = "2026-03-15T12:00:00Z";

#[test]
fn a_leaver_is_planned_for_the_end_of_the_last_day_in_their_own_zone() {
    let signal = signal(
        "4711,E1,Alice@Example.org,,active,2026-03-31,,,terminate,end of contract,2026-03-01T08:00:00Z",
        NOW,
    );
    assert_eq!(signal.subject, Subject::Email("alice@example.org".into()));
    assert_eq!(signal.reason, Reason::Departed);
    assert_eq!(signal.disposition, Disposition::Act);
    assert_eq!(signal.note.as_deref(), Some("end of contract"));
    assert_eq!(signal.occurred_at, Some(at("2026-03-01T08:00:00Z")));
    assert_eq!(leave(&signal).1, "2026-03-31T22:00:00.000Z");
    let sydney = self::signal("1,,a@x.org,,,2026-03-31,,australia/sydney,terminate,,", NOW);
    let (leaves, fire_at) = leave(&sydney);
    assert_eq!(fire_at, "2026-03-31T13:00:00.000Z");
    assert!(matches!(leaves, Leaves::Wall { zone, .. } if zone == "Australia/Sydney"));
}

#[test]
fn an_explicit_instant_goes_before_the_date() {
    let signal = signal("1,,a@x.org,,,2026-03-31,2026-03-20T17:30:00+01:00,,terminate,,", NOW);
    assert_eq!(
        leave(&signal).0,
        Leaves::Instant {
            at: at("2026-03-20T16:30:00Z")
        }
    );
}

#[test]
fn who_is_made_to_go_is_out_sooner_and_goes_before_the_leavers() {
    let immediate = signal("1,,a@x.org,,,2026-06-30,,,terminate,Immediate: theft,", NOW);
    assert_eq!(leave(&immediate).0, Leaves::Instant { at: at(NOW) });
    assert_eq!(immediate.priority, Priority::PROMPT);
    let involuntary = signal("1,,a@x.org,,,2026-03-31,,,terminate,involuntary,", NOW);
    assert_eq!(leave(&involuntary).1, "2026-03-30T22:00:00.000Z");
    let told = signal("1,,a@x.org,,,2026-03-31,2026-03-15T13:00:00Z,,terminate,involuntary,", NOW);
    assert_eq!(leave(&told).1, "2026-03-15T13:00:00.000Z");
    let usual = signal("1,,a@x.org,,,2026-03-31,,,terminate,not involuntary,", NOW);
    assert_eq!(
        (leave(&usual).1.as_str(), usual.priority),
        ("2026-03-31T22:00:00.000Z", Priority::ROUTINE)
    );
}

#[test]
fn a_departure_of_last_year_waits_for_a_human_and_one_of_last_week_does_not() {
    let old = signal("1,,a@x.org,,,2025-03-14,,,terminate,,", NOW);
    assert!(
        matches!(&old.disposition, Disposition::Hold(why) if why.contains("365 days ago")),
        "{:?}",
        old.disposition
    );
    assert_eq!(
        signal("1,,a@x.org,,,2026-03-09,,,terminate,,", NOW).disposition,
        Disposition::Act
    );
    let far_off = signal("1,,a@x.org,,,2100-12-31,,,terminate,,", NOW);
    assert_eq!(far_off.disposition, Disposition::Act);
    assert!(leave(&far_off).1.starts_with("2100-12-31"));
}

#[test]
fn rescissions_and_rehires_name_the_employment_and_never_wait() {
    for (action, step) in [("rescind", DepartureStep::Rescind), ("Rehire", DepartureStep::Rehire)] {
        let signal = signal(&format!("4711,E1,a@x.org,,,2020-01-01,,,{action},,"), NOW);
        assert_eq!((signal.reason, &signal.disposition), (Reason::Reactivated, &Disposition::Act));
        let When::Departure(departure) = signal.when else { panic!() };
        assert_eq!((departure.employee.as_str(), departure.employment.as_str()), ("4711", "E1"));
        assert_eq!(departure.step, step);
    }
}

#[test]
fn a_suspension_is_for_policy_to_decide_now_or_at_its_time() {
    let now = signal("1,,a@x.org,,,,,,suspend,,", NOW);
    assert_eq!((now.reason, now.when), (Reason::Suspended, When::Now));
    let later = signal("1,,a@x.org,,,,2026-04-01T00:00:00Z,,suspend,,", NOW);
    assert_eq!(later.when, When::At(at("2026-04-01T00:00:00Z")));
}

#[test]
fn two_names_of_one_person_are_both_kept() {
    let both = signal("1,,a@x.org,a@corp.x.org,,2026-03-31,,,terminate,,", NOW);
    assert_eq!(both.subject.to_string(), "aliases:email:a@x.org\nemail:a@corp.x.org");
    assert_eq!(
        signal("1,,A@x.org,a@X.org,,2026-03-31,,,terminate,,", NOW).subject,
        Subject::Email("a@x.org".into())
    );
    assert_eq!(
        signal("1,,,anna,,2026-03-31,,,terminate,,", NOW).subject,
        Subject::Username("anna".into())
    );
}

#[test]
fn the_same_row_has_the_same_key_and_another_content_another_digest() {
    let row = "4711,E1,a@x.org,,,2026-03-31,,,terminate,,2026-03-01T08:00:00Z";
    let first = signal(row, NOW);
    assert_eq!(
        signal(&row.replace("08:00:00Z", "09:00:00+01:00"), NOW),
        first,
        "the same instant, written otherwise"
    );
    let forged = signal(&row.replace("a@x.org", "b@x.org"), NOW);
    assert_eq!(forged.key, first.key);
    assert_ne!(forged.digest, first.digest);
    let newer = signal(&row.replace("03-01T", "03-02T"), NOW);
    assert_ne!(newer.key, first.key);
    // Without a stamp, a corrected row is a row of its own.
    let unstamped = row.replace("2026-03-01T08:00:00Z", "");
    assert_ne!(
        signal(&unstamped, NOW).key,
        signal(&unstamped.replace("a@x.org", "b@x.org"), NOW).key
    );
    // No field can run into the next.
    assert_ne!(
        signal("1,2,a@x.org,,,2026-03-31,,,terminate,,", NOW).key,
        signal("12,,a@x.org,,,2026-03-31,,,terminate,,", NOW).key
    );
}

#[test]
fn columns_may_stand_in_any_order_and_case() {
    let contents = file("Action, EMAIL ,employee_id,last_working_day\nterminate,a@x.org,7,2026-03-31\n");
    assert_eq!(contents.rejected, None);
    assert_eq!(
        (contents.rows[0].1.employee.as_str(), contents.rows[0].1.change),
        ("7", ChangeKind::Terminate)
    );
}

#[test]
fn a_wrong_header_rejects_the_file_and_says_why() {
    assert!(rejected("employee_id,email,acton\n1,a@x.org,terminate\n").contains("column 3 of the header is almost action"));
    assert!(rejected("employee_id,email,action,lastworkingday\n").contains("almost last_working_day"));
    assert!(rejected("employee_id,email,status,Termination Date\n").contains("column 4 of the header looks like last_working_day"));
    assert!(rejected("employee_id,email\n1,a@x.org\n").contains("lacks action"));
    assert!(rejected("employee_id,action\n1,rehire\n").contains("email and upn"));
    assert!(rejected("employee_id,email,email,action\n").contains("twice"));
    assert!(rejected("1,a@x.org,terminate\n").contains("lacks employee_id"));
    assert!(rejected(format!("{}\n1;2\n", HEADER.replace(',', ";"))).contains("a semicolon"));
    assert!(rejected(HEADER.replace(',', "\t")).contains("a tab"));
    assert!(rejected(format!("{HEADER}\r1,,a@x.org\r")).contains("carriage return"));
    assert!(rejected("\"employee_id,action\n").contains("header cannot be read"));
    assert!(rejected("").contains("empty"));
}

#[test]
fn an_encoding_that_nobody_has_said_rejects_the_file_and_says_what_to_do() {
    let utf16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(rejected(&utf16).contains("utf-16le"));
    let latin1 = [
        format!("{HEADER}\n1,,a@x.org,,,2026-03-31,,,terminate,M").as_bytes(),
        b"\xfcller,\n",
    ]
    .concat();
    let contents = file(&latin1);
    assert!(contents.rejected.unwrap().contains("line 2 is not UTF-8"));
    assert!(rejected(b"PK\x03\x04\x14\x00").contains("spreadsheet"));
    assert!(rejected(b"\x1f\x8b\x08").contains("compressed"));
}

#[test]
fn a_mark_and_mixed_line_ends_are_taken() {
    let contents = file(format!(
        "\u{feff}{HEADER}\r\n1,,a@x.org,,,2026-03-31,,,terminate,,\n2,,b@x.org,,,2026-03-31,,,terminate,,\r\n\r\n,,,,,,,,,,\r\n"
    ));
    assert_eq!(
        (contents.rejected, contents.rows.len(), contents.bad.len(), contents.records),
        (None, 2, 0, 2)
    );
}

#[test]
fn a_malformed_row_says_what_is_wrong_without_quoting_it() {
    for (row, expected) in [
        ("1,,a@x.org,,,2026-03-31,,terminate,,", "10 cells where the header has 11"),
        ("1,,a@x.org,,,03/04/2026,,,terminate,,", "YYYY-MM-DD"),
        ("1,,a@x.org,,,2026-02-30,,,terminate,,", "YYYY-MM-DD"),
        ("1,,a@x.org,,,2026-03-31,,Europe/Berln,terminate,,", "time zone that is known"),
        (
            "1,,a@x.org,,,2026-03-31,,W. Europe Standard Time,terminate,,",
            "time zone that is known",
        ),
        ("1,,a@x.org,,,,2026-03-31 17:30,,terminate,,", "effective_at"),
        ("1,,a@x.org,,,,2026-03-31T17:30:00,,terminate,,", "effective_at"),
        ("1,,a@x.org,,,,,,terminate,,", "needs last_working_day"),
        ("1,,a@x.org,,,9999-12-31,,,terminate,,", "needs last_working_day"),
        ("1,,a@x.org,,,1900-01-01,,,terminate,,", "needs last_working_day"),
        ("1,,a@x.org,,,2026-03-31,,,fire,,", "action is none of"),
        (",,a@x.org,,,2026-03-31,,,terminate,,", "employee_id is empty"),
        ("1,,,,,2026-03-31,,,terminate,,", "both empty"),
        ("1,,alice,,,2026-03-31,,,terminate,,", "email is not an address"),
        ("1,,a\u{202e}@x.org,,,2026-03-31,,,terminate,,", "invisible"),
        ("1,,a@x.org,,,2026-03-31,,,terminate,a\u{1b}[2J,", "control"),
        ("1,,a@x.org,,,2026-03-31,,,terminate,,yesterday", "updated_at"),
        ("1,,a@x.org,,,2026-03-31,,,terminate,\"not closed,", "never closed"),
        ("1,,\"Alice\n\"@x.org,,,2026-03-31,,,terminate,,", "closing quote"),
        ("1,,\"alice@x.org\n\",,,2026-03-31,,,terminate,,", "line break"),
    ] {
        let why = why(row);
        assert!(
            why.contains(expected) || (expected == "never closed" && why.contains("not closed")),
            "{row:?}: {why}"
        );
        assert!(!why.contains("a@x.org") && !why.contains("Berln"), "{why}");
    }
    assert!(why(&format!("1,,a@x.org,,,2026-03-31,,,terminate,{},", "x".repeat(1 << 20))).contains("longer than 1024"));
    assert!(why(&format!("{},,a@x.org,,,2026-03-31,,,terminate,,", "7".repeat(129))).contains("128 bytes"));
}

#[test]
fn a_formula_is_text() {
    let signal = signal(
        "1,,a@x.org,,,2026-03-31,,,terminate,\"=HYPERLINK(\"\"http://evil\"\")\",",
        NOW,
    );
    assert_eq!(signal.note.as_deref(), Some("=HYPERLINK(\"http://evil\")"));
}

#[test]
fn a_row_inside_a_cell_is_never_acted_on() {
    let contents = with_header("1,,a@x.org,,,2026-03-31,,,terminate,\"see\n2,,victim@x.org,,,2026-03-31,,,terminate,,\n\",");
    assert_eq!(contents.rows, []);
    assert_eq!(contents.bad[0].place(), "lines 2 to 4");
}

#[test]
fn good_rows_go_on_until_too_many_are_bad() {
    let good = |n: usize| {
        (0..n)
            .map(|n| format!("{n},,u{n}@x.org,,,2026-03-31,,,terminate,,\n"))
            .collect::<Vec<_>>()
            .concat()
    };
    let bad = "x,,,,,,,,,,\n";
    let three = with_header(&format!("{}{bad}", good(2)));
    assert_eq!((three.rejected, three.rows.len(), three.bad.len()), (None, 2, 1));
    assert_eq!(with_header(&format!("{}{}", good(396), bad.repeat(4))).rejected, None);
    let spoilt = with_header(&format!("{}{}", good(395), bad.repeat(4)));
    let why = spoilt.rejected.unwrap();
    assert!(why.contains("4 of 399 rows are malformed"), "{why}");
    assert!(why.contains("line 397"), "{why}");
    // An unclosed quote counts for every line that it swallows.
    let swallowed = with_header(&format!("{}1,,\"a@x.org,,\n{}", good(100), good(50)));
    assert!(swallowed.rejected.is_some());
}

#[test]
fn the_trailer_is_counted_and_must_be_last() {
    let row = "1,,a@x.org,,,2026-03-31,,,terminate,,";
    let contents = with_header(&format!("{row}\n#EOF,rows=1"));
    assert_eq!((contents.trailer, contents.records, contents.rejected), (Some(1), 1, None));
    assert_eq!(with_header(&format!("{row}\n#EOF,rows=1,,,,,,,,,\n\n")).trailer, Some(1));
    assert!(
        with_header(&format!("{row}\n#EOF,rows=1\n{row}"))
            .rejected
            .unwrap()
            .contains("put together")
    );
    assert!(with_header("#EOF,rows=many").rejected.unwrap().contains("trailer must read"));
}

#[test]
fn a_file_with_too_many_rows_is_rejected() {
    let mut text = format!("{HEADER}\n");
    text.extend(std::iter::repeat_n("x\n", 100_001));
    assert!(file(text).rejected.unwrap().contains("split it"));
}

#[test]
fn the_hash_covers_the_whole_file_even_where_it_is_rejected() {
    let text = format!("no header\n{}", "x".repeat(200_000));
    let expected = crate::digest::sha256(text.as_bytes());
    assert_eq!(file(&text).sha256, expected);
    assert_eq!(sha256(text.as_bytes()).unwrap(), expected);
}

#[test]
fn a_row_from_the_quarantine_may_be_dropped_again_as_it_is() {
    let contents = file("why,employee_id,email,action\nline 3: x,'-17,a@x.org,rehire\n");
    assert_eq!(contents.rows[0].1.employee, "-17");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever stands in the file: it is read to its end, and every record is a row, refused, or part of a rejected file.
    #[test]
    fn nothing_is_lost_or_counted_twice(
        lines in prop::collection::vec("[0-9,@\"a-z=;]{0,30}|1,,a@x\\.org,,,2026-0[1-9]-[0-3][0-9],,,terminate,,", 0..40)
    ) {
        let contents = with_header(&lines.join("\n"));
        // Of somebody who stays a row is taken, and what could not be read of it is told.
        let untaken = contents.bad.iter().filter(|bad| !contents.rows.iter().any(|(line, _)| *line == bad.first)).count();
        prop_assert_eq!(contents.records, (contents.rows.len() + untaken) as u64);
        let mut last = 1;
        let mut spans: Vec<(u64, u64)> = contents.rows.iter().map(|(line, _)| (*line, *line)).collect();
        spans.extend(contents.bad.iter().map(|bad| (bad.first, bad.last)));
        spans.sort_unstable();
        spans.dedup_by_key(|span| span.0);
        for (first, end) in spans {
            prop_assert!(first > last && end >= first);
            last = end;
        }
    }

    /// A date row fires at the end of the stated day in the stated zone, whatever the machine's own zone is.
    #[test]
    fn a_date_row_means_the_end_of_that_day(
        (y, m, d) in (1970_i16..2100, 1_i8..=12, 1_i8..=28),
        zone in prop::sample::select(&["Pacific/Apia", "Australia/Lord_Howe", "America/Havana", "Europe/Berlin", "America/Sao_Paulo"][..]),
    ) {
        let signal = signal(&format!("1,,a@x.org,,,{y:04}-{m:02}-{d:02},,{zone},terminate,,"), NOW);
        let (leaves, fire_at) = leave(&signal);
        let fire_at: jiff::Timestamp = fire_at.parse().unwrap();
        let local = fire_at.in_tz(zone).unwrap();
        let day = jiff::civil::Date::new(y, m, d).unwrap();
        prop_assert!(local.date() > day, "{local}");
        prop_assert_eq!(leaves.fire_at().unwrap(), fire_at.into());
    }
}
