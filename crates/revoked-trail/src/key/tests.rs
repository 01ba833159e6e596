//! Verifier keys and signers, against our own vectors.

use super::*;

pub(crate) const ORIGIN: &str = "revoked.example.org/trail/1";
pub(crate) const LOG_KEY: &str = "revoked.example.org/trail/1+c8f810b7+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
pub(crate) const WITNESS_KEY: &str = "witness.example.org/w1+f3c080b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";

/// The seed `first, first + 1, …`, 32 bytes.
pub(crate) fn seed(first: u8) -> [u8; 32] {
    std::array::from_fn(|i| first + u8::try_from(i).unwrap())
}

pub(crate) fn signer() -> Signer {
    Signer::from_seed(ORIGIN, &seed(0)).unwrap()
}

#[test]
fn our_own_vector_comes_out() {
    let key = signer().verifier().clone();
    assert_eq!(key.to_string(), LOG_KEY);
    assert_eq!(key.id(), 0xc8f8_10b7);
    assert_eq!(LOG_KEY.parse(), Ok(key));
}

#[test]
fn the_witness_vector_comes_out() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed(0x20)).unwrap();
    let public = pair.public_key().as_ref().try_into().unwrap();
    let key = VerifierKey::new("witness.example.org/w1", KeyKind::Witness, public).unwrap();
    assert_eq!(key.to_string(), WITNESS_KEY);
    assert_eq!(WITNESS_KEY.parse(), Ok(key));
}

#[test]
fn a_changed_verifier_key_is_refused() {
    let parse = |text: &str| text.parse::<VerifierKey>();
    let id = parse(&LOG_KEY.replace("trail/1", "trail/2")).unwrap_err();
    assert!(matches!(&id, KeyError::Id { found: 0xc8f8_10b7, .. }), "{id}");
    assert!(matches!(parse(&LOG_KEY.replace("AQOh", "AQOi")), Err(KeyError::Id { .. })));
    assert!(matches!(parse(&LOG_KEY.replace("+AQ", "+Bg")), Err(KeyError::Kind { .. })));
    assert!(matches!(
        parse(&LOG_KEY.replace("trail/1", "trail 1")),
        Err(KeyError::Name(_))
    ));
    for broken in ["", "a+b", "a+c8f810b+AQ==", "a++8f810b7+AQ==", "a+c8f810b7+AQ", "a+c8f810b7+"] {
        assert_eq!(parse(broken), Err(KeyError::Form), "{broken}");
    }
}

#[test]
fn a_signer_never_prints_its_seed() {
    let shown = format!("{:?}", signer());
    assert_eq!(shown, format!("Signer({LOG_KEY})"));
}

#[test]
fn random_keys_differ() {
    assert_ne!(random_key().unwrap(), random_key().unwrap());
}
