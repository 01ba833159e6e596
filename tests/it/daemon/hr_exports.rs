//! An export as its HR system writes it, from the proposal of a mapping to the person who is out, through the built program.

use std::fs;

use revoked::cli::Exit;

use super::hr_departures::day;
use super::{CommandOutput, Installation, InstallationPlan, until};
use crate::harness::chat_holdings::Holdings;

const EXPORT: &str = "Personalnummer;Nachname;Vorname;E-Mail;Status;Vertragsende;Letzter Arbeitstag;Abteilung\n\
                      1003;Muster;Kim;user03@example.test;Ausgeschieden;;{yesterday};Vertrieb\n\
                      1004;Müller;Pat;user04@example.test;Aktiv;{yesterday};00.00.0000;Vertrieb\n\
                      1005;Groß;Jo;user05@example.test;Elternzeit;;;Vertrieb\n\
                      1006;Weiß;Max;user06@example.test;Aktiv;;31.12.2098;Vertrieb\n";

/// The export, with a day that is over in it as the system writes days.
fn export() -> String {
    let day = day(-1);
    let parts: Vec<&str> = day.split('-').collect();
    EXPORT.replace("{yesterday}", &format!("{}.{}.{}", parts[2], parts[1], parts[0]))
}

/// Adds to the config.
fn append(site: &Installation, text: &str) {
    let config = fs::read_to_string(site.config()).unwrap();
    fs::write(site.config(), config + text).unwrap();
}

async fn mapped(site: &Installation, more: &[&str]) -> CommandOutput {
    let file = site.path("export.csv").display().to_string();
    let mut args = vec!["source", "hr", "map", file.as_str()];
    args.extend(more);
    site.says(&args).await
}

#[tokio::test]
async fn a_proposal_that_is_pasted_reads_the_export_and_the_leaver_is_out() {
    let site = Installation::new(InstallationPlan {
        people: 30,
        ..InstallationPlan::default()
    })
    .await;
    fs::create_dir(site.path("hr")).unwrap();
    fs::write(site.path("export.csv"), format!("\u{feff}{}", export())).unwrap();
    let said = mapped(&site, &[]).await;
    assert_eq!(said.code, i32::from(Exit::Ok.code()), "{said:?}");
    for part in [
        "separated by: a semicolon",
        "days:         DD.MM.YYYY",
        "no day:       00.00.0000 (1)",
        "passed over: \"Vertragsende\": the end of a contract",
        "active = [\"Aktiv\", \"Elternzeit\"]",
        "terminated = [\"Ausgeschieden\"]",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let proposal: serde_json::Value = serde_json::from_str(&mapped(&site, &["--json"]).await.out).unwrap();
    let pasted = proposal["toml"]
        .as_str()
        .unwrap()
        .replace("/srv/hr/drop", &site.path("hr").display().to_string());
    let (first, tables) = pasted.split_once("\n\n").unwrap();
    append(
        &site,
        &format!("\n{first}\ninterval = \"100ms\"\nsettle = \"100ms\"\n\n{tables}"),
    );

    let file = site.path("export.csv").display().to_string();
    let shown = site.says(&["source", "hr", "preview", &file]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown
            .out
            .contains("4 rows: 1 planned, 1 at once, 2 stand; of these 1 with a day that stands for none"),
        "{}",
        shown.out
    );
    let _running = site.start().await;
    fs::copy(site.path("export.csv"), site.path("hr").join("export.csv")).unwrap();
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user03").active);
    for stays in ["user04", "user05", "user06"] {
        assert!(Holdings::of(site.chat(), stays).active, "{stays}");
    }
    assert_eq!(site.count("SELECT count(*) FROM departure WHERE state = 'planned'").await, 1);
    until("the export in the archive", async || {
        (!site.path("hr").join("export.csv").exists()).then_some(())
    })
    .await;

    // The same file again is told from news.
    let again = site.says(&["source", "hr", "preview", &file]).await;
    assert!(
        again.code == 0 && again.out.contains("this file was taken as export.csv ") && !again.out.contains(" planned"),
        "{again:?}"
    );
    assert!(site.alerts().await.is_empty());
}

#[tokio::test]
async fn a_preview_ends_by_what_it_found_and_a_mapping_by_what_it_left_open() {
    let site = Installation::new(InstallationPlan {
        people: 10,
        ..InstallationPlan::default()
    })
    .await;
    fs::create_dir(site.path("hr")).unwrap();
    append(
        &site,
        &format!(
            "\n[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{}\"\n",
            site.path("hr").display()
        ),
    );
    let preview = async |text: &str| {
        fs::write(site.path("leavers.csv"), text).unwrap();
        let file = site.path("leavers.csv").display().to_string();
        site.says(&["source", "hr", "preview", &file]).await
    };
    let header = "employee_id,email,action,last_working_day\n";
    let good = "1,user01@example.test,terminate,2099-01-31\n";
    for (text, exit, part) in [
        (format!("{header}{good}"), Exit::Ok, "1 row: 1 planned"),
        (
            format!("{header}{good}2,user02@example.test,terminate,soon\n"),
            Exit::Findings,
            "1 planned, 1 refused",
        ),
        (format!("{header}{}", "x\n".repeat(9)), Exit::Rejected, "rejected whole"),
        (
            export(),
            Exit::Rejected,
            "its separator is a semicolon: write separator = \";\"",
        ),
        (
            export().replace(';', ","),
            Exit::Rejected,
            "Its header reads: \"Personalnummer\", \"Nachname\", \"Vorname\", \"E-Mail\"",
        ),
    ] {
        let said = preview(&text).await;
        assert_eq!(said.code, i32::from(exit.code()), "{said:?}");
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }

    // Two forms fit these days, the status is a word of two meanings, and two columns may be the number.
    let open = "Employee #,Employee ID,Work Email,Email,Status,Termination Date\n\
                1,7,kim@example.test,kim@home.test,Inactive,03/04/2026\n";
    fs::write(site.path("export.csv"), open).unwrap();
    let said = mapped(&site, &[]).await;
    assert_eq!(said.code, i32::from(Exit::Findings.code()), "{said:?}");
    for part in [
        "dates: MM/DD/YYYY and DD/MM/YYYY all fit",
        "employee_id: one of \"Employee #\", \"Employee ID\"",
        "# employee_id = one of",
        "status_words: \"Inactive\"",
        "passed over: \"Email\": an address, where there is a work address",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    fs::write(site.path("export.csv"), [0x50, 0x4b, 3, 4, 0, 0]).unwrap();
    let said = mapped(&site, &[]).await;
    assert!(
        said.code == i32::from(Exit::Rejected.code()) && said.out.contains("spreadsheet"),
        "{said:?}"
    );
}
