//! The reader's rules of signed notes, against our own vectors and the specification's examples.

use proptest::prelude::*;

use super::super::key::tests::{LOG_KEY, WITNESS_KEY, seed, signer};
use super::*;

/// The checkpoint of five entries, signed by the log and cosigned by a witness at 1700000000.
pub(crate) const NOTE: &str = "revoked.example.org/trail/1\n5\nFH3Ed0eaO2miSx/2Abb8YoT98V/VCr/rDPcOqONyLB0=\n\n\
    \u{2014} revoked.example.org/trail/1 yPgQt7VjMwu8KiLBnLIC8Arr10WZ8kvgYCuzEIh2C2BlC2aGvOKBIyTaaUXoy2zD9VmSBxGonBbpk6OItQQEjA6nwwA=\n\
    \u{2014} witness.example.org/w1 88CAtgAAAABlU/EA9edtJP1z9xxRAkOzPpNp7hAi0bZ+9s5R1hjRfWA/7i1vs8zTt5M3B3h1Ey2gSEw8gsGM5ELsLf8CEMpY9vYZCQ==\n";

pub(crate) fn keys() -> Vec<VerifierKey> {
    [LOG_KEY, WITNESS_KEY].iter().map(|key| key.parse().unwrap()).collect()
}

/// The line of the witness of the vectors over `text`.
pub(crate) fn cosignature_line(text: &str, seconds: i64) -> String {
    let witness = Signer::from_seed("witness.example.org/w1", &seed(0x20)).unwrap();
    let signature = witness.sign(cosigned(text, seconds).as_bytes());
    line(
        &WITNESS_KEY.parse().unwrap(),
        &[&seconds.to_be_bytes(), signature.as_slice()].concat(),
    )
}

fn open(note: &str, keys: &[VerifierKey]) -> Result<Vec<Option<i64>>, NoteError> {
    let note = Note::parse(note.as_bytes())?;
    Ok(note.verify(keys)?.iter().map(|good| good.seen.map(Timestamp::ms)).collect())
}

#[test]
fn our_own_vector_comes_out_byte_for_byte() {
    let (text, _) = NOTE.split_once("\n\n").unwrap();
    let text = format!("{text}\n");
    let note = sign(&text, &signer()).unwrap() + &cosignature_line(&text, 1_700_000_000);
    assert_eq!(note, NOTE);
    assert_eq!(open(NOTE, &keys()), Ok(vec![None, Some(1_700_000_000_000)]));
}

#[test]
fn the_example_key_of_the_specification_signs_as_published() {
    // The key and note of the sumdb/note documentation, which the specification took over.
    let key: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        .parse()
        .unwrap();
    let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    assert_eq!(open(note, std::slice::from_ref(&key)), Ok(vec![None]));
    let forged = note.replace("the answer", "an answer");
    assert_eq!(open(&forged, &[key]), Err(NoteError::Invalid("PeterNeumann".to_owned())));
}

#[test]
fn unknown_signatures_are_ignored_and_one_known_is_needed() {
    let [log, witness] = <[VerifierKey; 2]>::try_from(keys()).unwrap();
    assert_eq!(open(NOTE, std::slice::from_ref(&log)), Ok(vec![None]));
    assert_eq!(open(NOTE, &[witness]), Ok(vec![Some(1_700_000_000_000)]));
    assert_eq!(open(NOTE, &[]), Err(NoteError::NoKnownKey));
    let namesake = Signer::from_seed(log.name(), &seed(7)).unwrap();
    let both = NOTE.to_owned() + &signature_line("something else\n", &namesake);
    assert_eq!(
        open(&both, &[log]),
        Ok(vec![None]),
        "the same name with another key is an unknown key"
    );
}

#[test]
fn a_known_key_that_fails_rejects_the_whole_note() {
    let late = NOTE.replace("88CAtgAAAABlU/EA", "88CAtgAAAABlU/EB");
    assert_eq!(
        open(&late, &keys()),
        Err(NoteError::Invalid("witness.example.org/w1".to_owned()))
    );
    let grown = NOTE.replace("\n5\n", "\n6\n");
    assert_eq!(
        open(&grown, &keys()),
        Err(NoteError::Invalid("revoked.example.org/trail/1".to_owned()))
    );
    let second = NOTE.to_owned() + &signature_line("other\n", &signer());
    assert!(
        matches!(open(&second, &keys()), Err(NoteError::Invalid(_))),
        "a second, wrong line of a known key counts"
    );
}

#[test]
fn repeated_signatures_of_one_key_count_once() {
    let (text, _) = NOTE.split_once("\n\n").unwrap();
    let again = NOTE.to_owned() + &cosignature_line(&format!("{text}\n"), 1_800_000_000);
    assert_eq!(open(&again, &keys()), Ok(vec![None, Some(1_700_000_000_000)]));
}

#[test]
fn sixteen_signatures_and_more_are_read_up_to_the_cap() {
    let strangers = |n: u8| -> String {
        let name = |i| format!("w{i}.example.org");
        (0..n)
            .map(|i| signature_line("x\n", &Signer::from_seed(&name(i), &seed(i)).unwrap()))
            .collect()
    };
    assert_eq!(open(&(NOTE.to_owned() + &strangers(14)), &keys()).unwrap().len(), 2);
    assert_eq!(open(&(NOTE.to_owned() + &strangers(98)), &keys()).unwrap().len(), 2);
    assert_eq!(
        open(&(NOTE.to_owned() + &strangers(99)), &keys()),
        Err(NoteError::TooManySignatures)
    );
}

#[test]
fn notes_out_of_form_are_refused() {
    let keys = keys();
    let refused = |note: &str| Note::parse(note.as_bytes()).unwrap_err();
    assert_eq!(refused(""), NoteError::Form);
    assert_eq!(refused(&NOTE.replace("\n\n", "\n")), NoteError::Form);
    assert_eq!(refused(NOTE.trim_end()), NoteError::Form);
    assert_eq!(refused("text\n\n"), NoteError::Form);
    assert_eq!(
        refused(&NOTE.replace("trail/1\n", "trail/1\r\n")),
        NoteError::ControlCharacter
    );
    assert_eq!(refused(&NOTE.replace('\u{2014}', "-")), NoteError::SignatureLine(1));
    assert_eq!(refused(&NOTE.replace("w1 88", "w1  88")), NoteError::SignatureLine(2));
    assert_eq!(refused(&NOTE.replace("vYZCQ==", "vYZCQ")), NoteError::SignatureLine(2));
    assert_eq!(
        refused(&NOTE.replace("vYZCQ==", "vYZCR==")),
        NoteError::SignatureLine(2),
        "padding bits must be zero"
    );
    assert_eq!(
        refused("text\n\n\u{2014} a AAAAAA==\n"),
        NoteError::SignatureLine(1),
        "an id without a signature"
    );
    let long = format!("{}\n{NOTE}", "x".repeat(MAX_BYTES));
    assert_eq!(open(&long, &keys), Err(NoteError::TooLong(long.len())));
    assert_eq!(Note::parse(b"\xff\n\n\xe2\x80\x94 a AAAAAAAA\n"), Err(NoteError::Form));
}

#[test]
fn what_could_not_be_read_is_not_signed() {
    for text in ["", "no newline", "tab\there\n", "carriage\r\n"] {
        assert!(sign(text, &signer()).is_err(), "{text:?} was signed");
    }
}

proptest! {
    #[test]
    fn notes_round_trip(lines in prop::collection::vec("[ -~äß—]{0,40}", 1..6), first: u8) {
        let text = lines.join("\n") + "\n";
        let signer = Signer::from_seed("a.example/x", &seed(first % 200)).unwrap();
        let note = sign(&text, &signer).unwrap();
        let read = Note::parse(note.as_bytes()).unwrap();
        prop_assert_eq!(&read.text, &text);
        prop_assert_eq!(read.verify(&[signer.verifier().clone()]).unwrap().len(), 1);
    }

    #[test]
    fn any_changed_byte_is_refused(at in 0..NOTE.len(), by in 1u8..=255) {
        let mut note = NOTE.as_bytes().to_vec();
        note[at] ^= by;
        // A byte in a name or an id makes its line unknown; then the other key still vouches for the text, which is as it was.
        let read = Note::parse(&note).and_then(|note| note.verify(&keys()).map(|good| (note.text.clone(), good.len())));
        if let Ok((text, good)) = read {
            prop_assert!(NOTE.starts_with(&text));
            prop_assert_eq!(good, 1);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Note::parse(&bytes).map(|note| note.verify(&keys()).is_ok());
    }
}
