//! Since when the bits of `userAccountControl` are as they are: every domain controller keeps for each attribute of an entry when it was last
//! changed, and where (`replPropertyMetaData`, MS-ADTS 3.1.1.1.9; its bytes as in MS-DRSR 4.1.10.2.22 and Samba's drsblobs.idl). `whenChanged` would
//! tell of a change of anything.

use crate::model::Timestamp;
use crate::targets::ldap::entry::Entry;

/// The attribute that holds it.
pub(super) const ATTRIBUTE: &str = "replPropertyMetaData";

/// The number by which replication knows `userAccountControl`, in every directory: 1.2.840.113556.1.4.8.
const ACCOUNT_CONTROL: u32 = 0x0009_0008;
/// Version, unused, count, unused: four numbers of four bytes each, the lowest byte first.
const HEAD: usize = 16;
/// Attribute 4, version 4, time 8, invocation id 16, update numbers 8 and 8.
const RECORD: usize = 48;
/// From 1601 to 1970, in seconds.
const EPOCH: i64 = 11_644_473_600;

/// When `userAccountControl` was last changed, to the second, by the clock of the domain controller where that was; `None` where we may not
/// read it.
pub(super) fn of_account_control(entry: &Entry) -> Option<Timestamp> {
    last_change(entry.bytes(ATTRIBUTE).first()?, ACCOUNT_CONTROL)
}

fn last_change(blob: &[u8], attribute: u32) -> Option<Timestamp> {
    let number = |at: usize| blob.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    if number(0)? != 1 {
        return None;
    }
    let record = blob
        .get(HEAD..)?
        .chunks_exact(RECORD)
        .find(|record| record[..4] == attribute.to_le_bytes())?;
    let seconds = i64::from_le_bytes(record.get(8..16)?.try_into().ok()?);
    let ms = seconds.checked_sub(EPOCH)?.checked_mul(1000)?;
    Some(Timestamp::from_ms(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(records: &[(u32, i64)]) -> Vec<u8> {
        let mut blob = Vec::new();
        for number in [1, 0, u32::try_from(records.len()).unwrap(), 0] {
            blob.extend(number.to_le_bytes());
        }
        for (attribute, seconds) in records {
            blob.extend(attribute.to_le_bytes());
            blob.extend(1_u32.to_le_bytes());
            blob.extend(seconds.to_le_bytes());
            blob.extend([0; 32]);
        }
        blob
    }

    #[test]
    fn the_time_of_the_one_attribute_is_found() {
        let found = last_change(&blob(&[(3, 1), (ACCOUNT_CONTROL, EPOCH + 5), (0x9_0009, 2)]), ACCOUNT_CONTROL);
        assert_eq!(found, Some(Timestamp::from_ms(5000)));
        for bytes in [
            &blob(&[(3, 1)])[..],
            &[],
            &[1, 0, 0, 0],
            &blob(&[(ACCOUNT_CONTROL, 1)])[..40],
            &[2; 64],
        ] {
            assert_eq!(last_change(bytes, ACCOUNT_CONTROL), None);
        }
    }
}
