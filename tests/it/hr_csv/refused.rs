//! What is refused, and what is left for HR to correct.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_file_that_does_not_fit_its_marker_waits_and_is_then_rejected() {
    let text = format!("{HEADER}{ALICE}{BOB}");
    for (marker, why) in [
        (sha256("other"), "incomplete or was changed"),
        (format!("{} rows=3", sha256(&text)), "says 3 rows and there are 2"),
        (String::new(), "holds no SHA-256"),
    ] {
        let drop = DropFolder::new();
        drop.put("leavers.csv", &text);
        drop.put("leavers.csv.done", &marker);
        assert_eq!(drop.settled().await, [], "its rest may still come");
        tokio::time::advance(SETTLE * 9).await;
        let delivery = drop.one().await;
        assert!(refusal(&delivery).contains(why), "{delivery:?}");
        drop.store(&delivery).await;
        assert_eq!(drop.names(""), [] as [&str; 0]);
        assert!(drop.only("quarantine", ".reason.txt").contains(why));
        assert_eq!(drop.only("quarantine", ".csv"), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_row_is_put_aside_with_its_reason_and_the_good_rows_go_on() {
    let drop = DropFolder::new();
    drop.put(
        "leavers.csv",
        format!("{HEADER}{ALICE}=1+1,\"mallory@example.org\",03/04/2026,,terminate\n{BOB}"),
    );
    fs::set_permissions(drop.path("leavers.csv"), fs::Permissions::from_mode(0o640)).unwrap();
    let delivery = drop.settled().await.remove(0);
    assert_eq!(delivery.signals.len(), 2);
    assert_eq!(delivery.refused.len(), 1);
    assert_eq!(delivery.refused[0].place, "line 3");
    assert!(!delivery.refused[0].why.contains("mallory"));
    drop.store(&delivery).await;
    assert_eq!(
        drop.only("quarantine", ".csv"),
        "why,employee_id,email,last_working_day,timezone,action\n\
         line 3: last_working_day is not a day of the calendar written as YYYY-MM-DD,'=1+1,mallory@example.org,03/04/2026,,terminate\n"
    );
    let report = drop.only("quarantine", ".reason.txt");
    assert!(
        report.contains("leavers.csv: 1 of 3 rows")
            && report.contains("line 3, mallory@example.org (=1+1), column last_working_day:")
            && report.contains("it says:       \"03/04/2026\"")
            && report.contains("Copy that file, mend the copy, and drop the copy")
            && report.contains("write instead: year, month and day with hyphens: 2026-04-03"),
        "{report}"
    );
    let name = &drop.names("quarantine")[0];
    let hash = delivery.digest.unwrap();
    assert!(name.starts_with(&format!("leavers.{:02x}{:02x}", hash[0], hash[1])), "{name}");
    let mode = fs::metadata(drop.path("quarantine").join(name)).unwrap().mode();
    assert_eq!(mode & 0o777, 0o640, "whoever could read the file can read what was put aside");
    assert_eq!(drop.names("archive").len(), 1);

    // Corrected there and dropped again, it goes through.
    let corrected = drop
        .only("quarantine", ".csv")
        .replace("03/04/2026", "2026-04-03")
        .replace("'=1+1", "4713");
    drop.put("corrected.csv", corrected);
    let delivery = drop.settled().await.remove(0);
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_file_with_too_many_malformed_rows_is_rejected_whole() {
    let drop = DropFolder::new();
    drop.put("leavers.csv", format!("{HEADER}{ALICE}{}", "x,,,,\n".repeat(4)));
    let delivery = drop.settled().await.remove(0);
    assert!(refusal(&delivery).contains("4 of 5 rows are malformed"));
    drop.store(&delivery).await;
    let reason = drop.only("quarantine", ".reason.txt");
    assert!(
        reason.contains("Nothing in it was acted on") && reason.contains("line 6, employee x, column action:"),
        "{reason}"
    );
    assert_eq!(drop.names("archive"), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn files_of_a_wrong_form_are_rejected_with_the_reason_beside_them() {
    let header = format!("{HEADER}{ALICE}").replace(',', ";");
    let latin1 = [HEADER.as_bytes(), b"1,m\xfcller@example.org,2026-03-31,,terminate\n"].concat();
    let utf16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, why) in [
        (header.into_bytes(), "semicolon"),
        (latin1, "not UTF-8"),
        (utf16, "UTF-16"),
        (b"name,salary\n".to_vec(), "header"),
        (Vec::new(), "empty"),
    ] {
        let drop = DropFolder::new();
        drop.put("leavers.csv", bytes);
        let mut deliveries = drop.settled().await;
        if deliveries.is_empty() {
            tokio::time::advance(SETTLE * 9).await;
            deliveries = drop.poll().await;
        }
        assert!(refusal(&deliveries[0]).contains(why), "{deliveries:?}");
        drop.store(&deliveries[0]).await;
        let reason = drop.only("quarantine", ".reason.txt");
        assert!(reason.contains(why));
        // HR is shown what its file says; the record is not.
        assert_eq!(reason.contains("Its header reads: \"name\", \"salary\""), why == "header");
        assert!(!refusal(&deliveries[0]).contains("salary"));
        assert_eq!(drop.names(""), [] as [&str; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn links_pipes_and_folders_are_refused_and_put_aside_unread() {
    let drop = DropFolder::new();
    let secret = drop.path("secret.txt");
    drop.put("secret.txt", format!("{HEADER}{ALICE}"));
    symlink(&secret, drop.path("link.csv")).unwrap();
    symlink("nowhere", drop.path("dangling.csv")).unwrap();
    fs::create_dir(drop.path("folder.csv")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        drop.path("pipe.csv"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let mut deliveries = drop.poll().await;
    deliveries.sort_by(|a, b| a.name.cmp(&b.name));
    let said: Vec<_> = deliveries.iter().map(refusal).collect();
    for (said, expected) in said.iter().zip(["symbolic link", "folder", "symbolic link", "pipe"]) {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(said.len(), 4);
    for delivery in &deliveries {
        assert_eq!(delivery.digest, None);
        drop.store(delivery).await;
        drop.store(delivery).await;
    }
    assert_eq!(drop.names(""), ["secret.txt"]);
    assert!(
        fs::symlink_metadata(drop.path("quarantine/link.unread-1.csv"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(drop.poll().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_100_mb_is_refused_without_being_read() {
    let drop = DropFolder::new();
    drop.put("huge.csv", HEADER);
    File::options()
        .write(true)
        .open(drop.path("huge.csv"))
        .unwrap()
        .set_len(100 * 1024 * 1024)
        .unwrap();
    let accessed = |path: &Path| fs::metadata(path).unwrap().atime_nsec();
    let before = accessed(&drop.path("huge.csv"));
    let delivery = drop.settled().await.remove(0);
    assert!(refusal(&delivery).contains("larger than 64 MiB"));
    assert_eq!(delivery.digest, None, "nothing was read that could be hashed");
    assert_eq!(accessed(&drop.path("huge.csv")), before);
    drop.store(&delivery).await;
    assert_eq!(drop.names("quarantine"), ["huge.unread-1.csv", "huge.unread-1.reason.txt"]);
}

#[tokio::test(start_paused = true)]
async fn links_that_others_leave_in_our_folders_are_not_written_through() {
    let drop = DropFolder::new();
    let outside = tempfile::tempdir().unwrap();
    let precious = outside.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    symlink(outside.path(), drop.path("archive")).unwrap();
    let text = format!("{HEADER}{ALICE}broken\n");
    drop.put("leavers.csv", &text);
    let quarantined = drop.path(&format!("quarantine/leavers.{}.csv", &sha256(&text)[..8]));
    fs::create_dir(drop.path("quarantine")).unwrap();
    symlink(&precious, &quarantined).unwrap();
    symlink(&precious, quarantined.with_extension("csv.tmp")).unwrap();
    let delivery = drop.settled().await.remove(0);
    let error = drop.source.stored(&delivery, &Receipt::default()).await.unwrap_err();
    assert!(format!("{error:#}").contains("is not a folder"), "{error:#}");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(fs::read_to_string(&quarantined).unwrap().contains("broken"));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_with_line_breaks_and_escapes_is_shown_escaped_and_archived() {
    let drop = DropFolder::new();
    let name = "leavers\n\u{1b}[2J\u{202e}.csv";
    drop.put(name, format!("{HEADER}{ALICE}#EOF,rows=1\n"));
    let delivery = drop.one().await;
    assert_eq!(delivery.name.as_deref(), Some("leavers\\n\\u{1b}[2J\\u{202e}.csv"));
    drop.store(&delivery).await;
    assert!(drop.names("archive")[0].starts_with("leavers\\n\\u{1b}[2J\\u{202e}."));
    assert!(!drop.path(name).exists());
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_missing_or_open_to_everybody_is_an_error_with_advice() {
    let drop = DropFolder::new();
    fs::set_permissions(drop.dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = format!("{:#}", drop.source.poll(None, &revoked::sources::NoState).await.unwrap_err());
    assert!(error.contains("chmod o-w"), "{error}");
    fs::set_permissions(drop.dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(drop.poll().await, []);

    let gone = HrCsv::new(Rules::new("hr", drop.path("nowhere")), clock());
    let error = format!("{:#}", gone.poll(None, &revoked::sources::NoState).await.unwrap_err());
    assert!(error.contains("cannot look into the drop folder"), "{error}");
}
