//! Says which transactions of senders the trail may name: nothing leaves the trail again, and what senders write there may be somebody's name.

/// The longest that stands as it is, in bytes. A `traceparent` has 55.
const LONGEST: usize = 64;
/// The shortest with letters in it: a login like `abe1985` is made of digits and letters up to `f` too.
const SHORTEST_HEX: usize = 16;

/// A number, or an id as long as those of W3C Trace Context and UUIDs are: digits, letters up to `f`, and dashes.
pub(super) fn loggable(txn: &str) -> Option<&str> {
    let is_number = !txn.is_empty() && txn.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = txn.len() >= SHORTEST_HEX
        && txn.bytes().any(|byte| byte.is_ascii_digit())
        && txn.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (txn.len() <= LONGEST && (is_number || is_hex)).then_some(txn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_uuids_and_trace_ids_stand_and_what_may_be_a_name_does_not() {
        for id in [
            "8675309",
            "dee9b8f2-3c5f-4e0d-9a0b-0d2a7a0f7c11",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(loggable(id), Some(id));
        }
        let long = "1".repeat(65);
        for text in [
            "",
            "-",
            "ada-fae",
            "abe1985",
            "4bf92f3577b34da",
            "jo.smith1",
            "user04@example.org",
            "txn-01HX",
            "12 34",
            "١٢",
            &long,
        ] {
            assert_eq!(loggable(text), None, "{text}");
        }
    }
}
