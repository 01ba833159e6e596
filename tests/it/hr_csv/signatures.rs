//! Files that must be signed.

use std::io::Cursor;

use minisign::KeyPair;
use revoked::settings::Settings;

use super::*;

/// A drop folder that takes what `key` has signed, built as a config builds it.
fn folder(key: &KeyPair) -> (DropFolder, Rules) {
    let drop = DropFolder::new();
    let public = drop.path("hr.pub");
    fs::write(&public, key.pk.to_box().unwrap().to_string()).unwrap();
    let text = format!(
        "folder = '{}'\nsignature = {{ public_key_file = '{}' }}",
        drop.dir.path().display(),
        public.display()
    );
    let table = toml::de::DeTable::parse(&text).unwrap();
    let rules = Rules::read(&Settings { name: "hr", table }).unwrap();
    let inline = format!(
        "folder = '{}'\nsignature = {{ public_key = '{}' }}",
        drop.dir.path().display(),
        key.pk.to_base64()
    );
    let table = toml::de::DeTable::parse(&inline).unwrap();
    assert_eq!(Rules::read(&Settings { name: "hr", table }).unwrap(), rules);
    let source = HrCsv::new(rules.clone(), clock());
    (DropFolder { dir: drop.dir, source }, rules)
}

fn sign(key: &KeyPair, text: &str, comment: &str) -> String {
    let signed = minisign::sign(Some(&key.pk), &key.sk, Cursor::new(text), Some(comment), Some("leavers"));
    signed.unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn a_signed_file_is_taken_and_archived_with_its_signature() {
    let key = KeyPair::generate_unencrypted_keypair().unwrap();
    let (drop, rules) = folder(&key);
    let text = format!("{HEADER}{ALICE}#EOF,rows=1\n");
    drop.put("leavers.csv", &text);
    assert_eq!(drop.poll().await, [], "its signature may still come");
    drop.put("leavers.csv.minisig", sign(&key, &text, "file:leavers.csv"));
    assert_eq!(
        preview(&drop.path("leavers.csv"), &rules, clock().now()).unwrap().rejected,
        None
    );
    let delivery = drop.one().await;
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (1, 0));
    drop.store(&delivery).await;
    assert_eq!(drop.names(""), ["hr.pub"]);
    assert!(
        drop.names("archive")[1].ends_with(".csv.minisig"),
        "{:?}",
        drop.names("archive")
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_without_the_right_signature_is_quarantined_unread() {
    let (key, other) = (
        KeyPair::generate_unencrypted_keypair().unwrap(),
        KeyPair::generate_unencrypted_keypair().unwrap(),
    );
    let text = format!("{HEADER}{ALICE}#EOF,rows=1\n");
    let good = sign(&key, &text, "file:leavers.csv");
    for (signature, why) in [
        (None, "signature is missing"),
        (Some(sign(&other, &text, "file:leavers.csv")), "another key"),
        (
            Some(sign(&key, &text.replace("alice", "bob"), "file:leavers.csv")),
            "does not fit",
        ),
        (Some(good.replace("file:leavers.csv", "file:others.csv")), "does not fit"),
        (Some(String::new()), "not a signature"),
        (Some("RW".repeat(10_000)), "not a signature"),
    ] {
        let (drop, rules) = folder(&key);
        drop.put("leavers.csv", &text);
        if let Some(signature) = &signature {
            drop.put("leavers.csv.minisig", signature);
        }
        assert_eq!(drop.settled().await, [], "{why}");
        let previewed = preview(&drop.path("leavers.csv"), &rules, clock().now()).unwrap();
        assert!(previewed.rejected.unwrap().contains(why));
        tokio::time::advance(SETTLE * 9).await;
        let delivery = drop.one().await;
        assert!(refusal(&delivery).contains(why), "{delivery:?}");
        drop.store(&delivery).await;
        assert!(drop.only("quarantine", ".reason.txt").contains(why));
        assert_eq!(drop.names(""), ["hr.pub"]);
    }
}

#[test]
fn signatures_of_both_kinds_are_taken() {
    // The vectors of minisign's own documentation: the file `test` without a hash, and with one.
    let key = minisign_verify::PublicKey::from_base64("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").unwrap();
    let legacy = "untrusted comment: signature from minisign secret key\n\
        RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
        trusted comment: timestamp:1555779966\tfile:test\n\
        QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==";
    let signature = minisign_verify::Signature::decode(legacy).unwrap();
    assert!(key.verify(b"test", &signature, true).is_ok());
    assert!(key.verify(b"Test", &signature, true).is_err());
}
