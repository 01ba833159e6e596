//! What is proposed for an export: what the file decides, and what is asked.

use revoked::sources::hr_csv::{PRESETS, Proposal, propose};

use super::exports::{looked_at, rules};
use super::presets::fixture;

fn proposed(text: impl AsRef<[u8]>) -> Proposal {
    propose(text.as_ref()).unwrap()
}

/// The rules that a proposal comes to once it is pasted as it is.
fn pasted(proposal: &Proposal) -> revoked::sources::hr_csv::Rules {
    let keys: Vec<&str> = proposal
        .toml
        .lines()
        .skip_while(|line| !line.starts_with("folder"))
        .skip(1)
        .map(|line| line.strip_prefix("[source.").map_or(line, |_| line))
        .collect();
    rules(&keys.join("\n").replace("[source.", "["))
}

#[test]
fn every_export_of_a_preset_is_known_by_its_columns_and_what_is_left_open_is_said() {
    for preset in PRESETS {
        let proposal = proposed(fixture(preset.name));
        let knows_its_columns = !matches!(preset.name, "loga-de" | "paylocity" | "paychex" | "factorial");
        assert_eq!(
            proposal.presets.contains(&preset.name),
            knows_its_columns,
            "{}: {:?}",
            preset.name,
            proposal.presets
        );
        assert!(!proposal.toml.contains("home.test") && !proposal.undecided.iter().any(|open| open.contains('@')));
        if proposal.undecided.is_empty() {
            let read = looked_at(fixture(preset.name), &pasted(&proposal));
            assert_eq!(
                (read.rejected, read.refused),
                (None, Vec::new()),
                "{}\n{}",
                preset.name,
                proposal.toml
            );
        }
    }
}

#[test]
fn the_header_is_found_under_a_title_and_above_a_row_of_labels() {
    let text = "Leavers of March\n;;;;\nPersonalnummer;E-Mail;Status;Austrittsdatum;Kündigungsdatum\nNummer;Adresse;Stand;Tag;Tag\n\
                0007;kim@example.test;Inaktiv;13.03.2026;01.01.2026\n0008;pat@example.test;Aktiv;31.12.9999;\n#EOF;rows=2\n";
    let proposal = proposed(text);
    assert_eq!(
        (proposal.header_line, proposal.rows, proposal.dates),
        (3, 2, Some("DD.MM.YYYY"))
    );
    for line in [
        "skip_before_header = 2",
        "skip_after_header = 1",
        "separator = \";\"",
        "dates = \"DD.MM.YYYY\"",
    ] {
        assert!(proposal.toml.contains(line), "{line}: {}", proposal.toml);
    }
    assert_eq!(proposal.null_days, ["31.12.9999 (1)"]);
    assert_eq!(proposal.passed_over[0].header, "Kündigungsdatum");
    // `Inaktiv` means one thing in one system and another elsewhere only where two presets differ about it.
    assert_eq!(proposal.undecided, [] as [&str; 0]);
    let read = looked_at(text, &pasted(&proposal));
    assert_eq!((read.rejected, read.rows.len(), read.refused.len()), (None, 2, 0));
}

#[test]
fn what_a_file_does_not_decide_is_asked() {
    let windows: Vec<u8> = "Personalnummer;E-Mail;Aktiv;Name;Austritt am\n1;a@example.test;Ja;M\u{fc}ller;2026-03-13\n"
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let proposal = proposed(&windows);
    assert!(
        proposal.undecided[0].contains("\"Müller\" reads right"),
        "{:?}",
        proposal.undecided
    );
    assert!(proposal.toml.contains("encoding = \"windows-1252\""));
    assert!(proposal.undecided.iter().any(|open| open.starts_with("status_words: \"Ja\"")));

    let header = "Employee ID,Email,Status,Termination Date\n";
    for (rows, open) in [
        (
            "1,a@example.test,Active,03/04/2026\n",
            "dates: MM/DD/YYYY and DD/MM/YYYY all fit (03/04/2026)",
        ),
        ("1,a@example.test,Active,46353\n", "dates: no form fits all of them (46353)"),
        ("1,a@example.test,Active,\n", "dates: no row names a day"),
        (
            &"1,a@example.test,Active,12/31/2099\n".repeat(4),
            "null_dates: 12/31/2099 stands in 4 rows",
        ),
        (
            "1,a@example.test,Inactive,11/27/2026\n",
            "status_words: \"Inactive\" (in 1 row)",
        ),
    ] {
        let proposal = proposed(format!("{header}{rows}"));
        assert!(
            proposal.undecided.iter().any(|said| said.starts_with(open)),
            "{open}: {:?}",
            proposal.undecided
        );
        assert!(
            !proposal
                .toml
                .lines()
                .any(|line| line.starts_with("dates = ") && open.starts_with("dates"))
        );
    }
    let proposal = proposed("Employee ID,Status,Employment Status,Time Zone\n1,Active,Full-Time,Eastern\n");
    for open in [
        "status: one of \"Status\", \"Employment Status\"",
        "email: which column",
        "last_working_day: which column",
    ] {
        assert!(
            proposal.undecided.iter().any(|said| said.starts_with(open)),
            "{open}: {:?}",
            proposal.undecided
        );
    }
    assert!(proposal.passed_over.iter().any(|passed| passed.header == "Time Zone"));
    assert!(proposal.toml.contains("# status = one of"));
}

#[test]
fn our_own_form_needs_no_mapping_and_what_is_no_csv_gets_none() {
    let proposal = proposed("employee_id,first_name,email,action,last_working_day\n1,Kim,kim@example.test,terminate,2026-11-27\n");
    assert!(proposal.plain && proposal.undecided.is_empty() && !proposal.toml.contains("columns"));
    let columns: Vec<&str> = proposal.columns.iter().map(|column| column.column).collect();
    assert_eq!(
        columns,
        ["employee_id", "email", "last_working_day", "action"],
        "all that is read is listed"
    );
    let proposal = proposed("employee_id,email,action,lastday\n1,kim@example.test,terminate,2026-11-27\n");
    assert_eq!(
        proposal.undecided,
        ["last_working_day: is it \"lastday\"? As the file stands that column is read as nothing"]
    );
    assert!(
        !proposal.plain && proposal.toml.contains("# last_working_day = \"lastday\"\n"),
        "{}",
        proposal.toml
    );
    for (bytes, why) in [
        (&b"PK\x03\x04"[..], "spreadsheet"),
        (b"", "nothing in it separates"),
        (b"one column\nof words\n", "nothing in it separates"),
    ] {
        let said = propose(bytes).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
}
