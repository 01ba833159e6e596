//! Exports as HR systems write them: mapped, in every encoding, with words and lines of their own.

use revoked::sources::hr_csv::{Effect, Preview};

use super::*;

/// The rules that a `[[source]]` with these keys comes to.
pub(super) fn rules(keys: &str) -> Rules {
    let text = format!("folder = '/srv/hr/drop'\ntime_zone = 'Europe/Berlin'\n{keys}");
    let table = toml::de::DeTable::parse(&text).unwrap();
    Rules::read(&Settings { name: "hr", table }).unwrap_or_else(|complaints| panic!("{keys}: {complaints:?}"))
}

/// What the complaints about these keys say.
pub(super) fn complaints(keys: &str) -> String {
    let text = format!("folder = '/srv/hr/drop'\n{keys}");
    let table = toml::de::DeTable::parse(&text).unwrap();
    let complaints = Rules::read(&Settings { name: "hr", table }).unwrap_err();
    let messages: Vec<String> = complaints.into_iter().map(|complaint| complaint.message).collect();
    messages.join("\n")
}

pub(super) fn looked_at(bytes: impl AsRef<[u8]>, rules: &Rules) -> Preview {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.csv");
    fs::write(&path, bytes).unwrap();
    preview(&path, rules, clock().now()).unwrap()
}

/// What becomes of each row: HR's number and the effect.
pub(super) fn effects(preview: &Preview) -> Vec<(&str, Effect)> {
    assert_eq!(preview.rejected, None, "{:?}", preview.quotes);
    preview.rows.iter().map(|row| (row.employee.as_str(), row.effect)).collect()
}

#[test]
fn a_mapping_that_contradicts_itself_is_refused_with_the_columns_named() {
    for (keys, why) in [
        (
            "columns = { employee_id = 'No', email = 'Work Email', upn = 'work_email', status = 'Status' }",
            "email and upn both claim the column \"work_email\"",
        ),
        (
            "columns = { employee_id = 'No', email = ['Mail', 'MAIL'], status = 'Status' }",
            "email names the column \"MAIL\" twice",
        ),
        (
            // The preset's own column counts too.
            "preset = 'lucca-fr'\ncolumns = { employment_id = 'login' }",
            "employment_id and upn both claim the column \"login\"",
        ),
        (
            "columns = { employee_id = 'No', e_mail = 'Mail' }",
            "unknown key `e_mail`; did you mean `email`?",
        ),
        ("columns = { employee_id = 'No', email = ' ' }", "a column's name is empty"),
        ("columns = { employee_id = 'No', email = 'Mail' }", "columns lacks status"),
        ("columns = { employee_id = 'No', status = 'S' }", "columns lacks email"),
        (
            "columns = { employee_id = 'No', email = 'Mail' }\nby_date = true",
            "columns lacks last_working_day",
        ),
        (
            "columns = { employee_id = 4 }",
            "the name of a column in quotes, or a list of such names",
        ),
        (
            "status_words = { terminated = ['Left', 'Gone'], active = ['GONE'] }",
            "stands under active and under terminated",
        ),
        (
            "status_words = { inactive = ['Left'] }",
            "unknown key `inactive`; did you mean `active`?",
        ),
        ("separator = ' '", "separator must be one of"),
        ("encoding = 'ansi-ish'", "encoding must be one such as"),
        ("dates = 'DD.MM.YY'", "a year has four digits"),
        ("history_before = '1.1.2026'", "history_before must be a day"),
        ("undated = 'later'", "undated"),
        ("skip_before_header = 99", "skip_before_header must be at most"),
    ] {
        let said = complaints(keys);
        assert!(said.contains(why), "{keys}: {said}");
    }
}

const GERMAN: &str = "Personalnummer;Nachname;Geschäftliche E-Mail;Status;Letzter Arbeitstag\n\
                      0007;Müller;anna@example.test;ausgeschieden (Rente);13.03.2026\n\
                      0008;Groß;jo@example.test;beschäftigt;\n";
const MAPPED: &str = "columns = { employee_id = 'Personalnummer', email = 'geschäftliche e-mail', status = 'Status', \
                      last_working_day = 'Letzter Arbeitstag' }\n\
                      status_words = { terminated = ['Ausgeschieden (Rente)'], active = ['Beschäftigt'] }\n\
                      separator = ';'\ndates = 'DD.MM.YYYY'\n";

#[test]
fn a_file_is_read_in_the_encoding_that_is_said_or_marked_and_in_no_other() {
    let expected = [("0007", Effect::AtOnce), ("0008", Effect::Stands)];
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let text = if mark {
            format!("\u{feff}{GERMAN}")
        } else {
            GERMAN.to_owned()
        };
        text.encode_utf16().flat_map(bytes).collect()
    };
    let windows: Vec<u8> = GERMAN.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    for (bytes, keys) in [
        (GERMAN.as_bytes().to_vec(), ""),
        (format!("\u{feff}{GERMAN}").into_bytes(), ""),
        (format!("\u{feff}{GERMAN}").into_bytes(), "encoding = 'windows-1252'"),
        (utf16(u16::to_le_bytes, true), ""),
        (utf16(u16::to_be_bytes, true), ""),
        (utf16(u16::to_le_bytes, false), "encoding = 'utf-16le'"),
        (windows.clone(), "encoding = 'windows-1252'"),
        (GERMAN.replace('\n', "\r\n").into_bytes(), ""),
        (format!("sep=;\r\n{GERMAN}").into_bytes(), "separator = ','"),
    ] {
        // The last line of keys counts where two name one key.
        let mapped = if keys.starts_with("separator") {
            MAPPED.replace("separator = ';'\n", "")
        } else {
            MAPPED.to_owned()
        };
        let read = looked_at(&bytes, &rules(&format!("{mapped}{keys}")));
        assert_eq!(effects(&read), expected, "{keys}");
    }
    for (bytes, why) in [
        (windows, "line 1 is not UTF-8"),
        (utf16(u16::to_le_bytes, false), "zero bytes"),
    ] {
        let read = looked_at(bytes, &rules(MAPPED));
        assert!(read.rejected.as_deref().unwrap().contains(why), "{:?}", read.rejected);
    }
}

#[test]
fn a_header_that_lacks_a_column_is_quoted_for_people_with_the_way_to_map_it() {
    let read = looked_at(
        "Staff No,E-Post,State\n1,kim@example.test,gone\n",
        &rules("columns = { employee_id = 'Employee #', email = 'E-Post', status = 'State' }"),
    );
    assert_eq!(
        read.rejected.as_deref(),
        Some("the header lacks \"Employee #\", which employee_id is mapped to")
    );
    let quotes = read.quotes.unwrap();
    assert!(
        quotes.contains("\"Staff No\", \"E-Post\", \"State\"") && quotes.contains("revoked source hr map FILE"),
        "{quotes}"
    );
    // What the operator names must all be there; what a preset names is what an export may hold.
    let both = "columns = { employee_id = 'No', email = 'Mail', status = 'S', last_working_day = ['Last Day', 'End'] }\n";
    let read = looked_at("No,Mail,S,End\n1,kim@example.test,active,\n", &rules(both));
    assert!(read.rejected.unwrap().contains("lacks \"Last Day\""));
    let two = looked_at("No,Mail,mail,S,Last Day,End\n", &rules(both));
    assert!(two.rejected.unwrap().contains("twice"));
}

#[test]
fn words_that_nobody_has_named_put_their_rows_aside_and_a_file_of_nothing_else_is_rejected() {
    let words = "columns = { employee_id = 'No', email = 'Mail', status = 'S', last_working_day = 'End' }\n";
    let header = "No,Mail,S,End\n";
    let rows = "1,kim@example.test,terminated,2026-03-13\n2,pat@example.test,Karenz,\n3,jo@example.test,Karenz,2026-01-01\n";
    let read = looked_at(format!("{header}{rows}"), &rules(words));
    assert_eq!(effects(&read), [("1", Effect::AtOnce)]);
    assert!(
        read.refused.iter().all(|row| row.column == Some("status") && row.stays),
        "{:?}",
        read.refused
    );
    assert_eq!(read.refused.len(), 2);
    assert!(read.quotes.unwrap().contains("\"Karenz\" (2)"));
    // However many they are, they never decide over the rows that are known.
    let many = format!("{header}{rows}{}", "9,x@example.test,Karenz,\n".repeat(50));
    assert_eq!(looked_at(many, &rules(words)).rejected, None);

    let read = looked_at(format!("{header}1,kim@example.test,Karenz,2026-03-13\n"), &rules(words));
    let why = read.rejected.unwrap();
    assert!(
        why.contains("no word of its status column is known") && !why.contains("Karenz"),
        "{why}"
    );
    let quotes = read.quotes.unwrap();
    assert!(
        quotes.contains("\"Karenz\" (1)") && quotes.contains("[source.status_words]"),
        "{quotes}"
    );
    // Once they are named they count, and may be nothing at all.
    let named = format!("{words}status_words = {{ active = ['Karenz'], ignore = [''] }}");
    let read = looked_at(format!("{header}{rows}4,x@example.test,,\n"), &rules(&named));
    assert_eq!(
        effects(&read),
        [
            ("1", Effect::AtOnce),
            ("2", Effect::Stands),
            ("3", Effect::Stands),
            ("4", Effect::Nothing)
        ]
    );
}

#[test]
fn lines_around_the_header_are_passed_over_and_come_back_with_what_is_put_aside() {
    let keys = "columns = { employee_id = 'No', email = 'Mail', status = 'S', last_working_day = 'End' }\n\
                skip_before_header = 2\nskip_after_header = 1\n";
    let text = "Leavers; as of today\n\nNo,Mail,S,End\nNumber,Address,State,Day\n1,kim@example.test,terminated,2026-03-13\n\
                2,pat@example.test,terminated,soon\n";
    let read = looked_at(text, &rules(keys));
    assert_eq!(effects(&read), [("1", Effect::AtOnce)]);
    assert_eq!(read.refused[0].place, "line 6");
}

#[tokio::test(start_paused = true)]
async fn what_is_put_aside_of_an_export_is_written_as_the_export_was_and_can_be_dropped_again() {
    let keys = format!("{MAPPED}encoding = 'windows-1252'\nskip_before_header = 1\nskip_after_header = 1\n");
    let text = GERMAN.replacen("13.03.2026", "13.13.2026", 1);
    let (header, rows) = text.split_once('\n').unwrap();
    let text = format!("Bericht für Müller\n{header}\nNr;Name;Mail;Stand;Tag\n{rows}");
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let drop = DropFolder::with(|own| own.format = rules(&keys).format);
    drop.put("export.csv", bytes);
    let delivery = drop.settled().await.remove(0);
    assert_eq!(
        (delivery.signals.len(), delivery.employments.len(), delivery.refused.len()),
        (0, 1, 1)
    );
    drop.store(&delivery).await;
    let aside = drop.only("quarantine", ".csv");
    assert!(
        aside.starts_with("\u{feff}Bericht für Müller\nwhy;Personalnummer;"),
        "{aside}"
    );
    drop.put("corrected.csv", aside.replace("13.13.2026", "13.03.2026"));
    let delivery = drop.settled().await.remove(0);
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (1, 0), "{delivery:?}");
    assert_eq!(delivery.signals[0].subject.to_string(), "email:anna@example.test");
}

#[tokio::test(start_paused = true)]
async fn an_export_that_says_how_many_rows_it_has_is_taken_at_once_in_any_encoding() {
    let drop = DropFolder::with(|own| own.format = rules(MAPPED).format);
    let text = format!("\u{feff}{GERMAN}#EOF;rows=2\n");
    drop.put(
        "wide.csv",
        text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    );
    let delivery = drop.one().await;
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (1, 0));
}
