//! The journal's native protocol (systemd, "Native Journal Protocol"): one datagram of `NAME=value` lines an entry.
//!
//! Small and by hand, since every entry goes through the bounded queue of [`super::log_queue`]: a journal that is down must not hold up work.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::fs::fstat;

const SOCKET: &str = "/run/systemd/journal/socket";

/// How long the journal may take to take an entry.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether standard error is the journal's: `stream` is `$JOURNAL_STREAM`, the device and inode of the socket that systemd set up. A shell
/// inside the unit may have sent standard error elsewhere since.
pub(super) fn is_ours(stream: &str, stderr: impl std::os::fd::AsFd) -> bool {
    let Some((device, inode)) = stream.split_once(':') else {
        return false;
    };
    let (Ok(device), Ok(inode)) = (device.parse::<u64>(), inode.parse::<u64>()) else {
        return false;
    };
    fstat(stderr).is_ok_and(|stat| stat.st_dev == device && stat.st_ino == inode)
}

/// A way to the journal.
#[derive(Debug)]
pub struct Journal(UnixDatagram);

impl Journal {
    /// Connects to the machine's journal.
    ///
    /// # Errors
    /// Where there is none, or it does not listen.
    pub fn connect() -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(SOCKET)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(socket))
    }

    /// Sends one entry of these fields, whose names are upper case with underscores. Values may have several lines.
    ///
    /// # Errors
    /// Where the journal is gone or takes too long.
    pub fn send(&self, fields: &[(&str, &str)]) -> io::Result<()> {
        let mut entry = Entry::default();
        for (name, value) in fields {
            entry.add(name, value);
        }
        self.send_bytes(&entry.into_bytes())
    }

    pub(super) fn send_bytes(&self, entry: &[u8]) -> io::Result<()> {
        self.0.send(entry).map(drop)
    }
}

/// An entry on its way.
#[derive(Debug, Default)]
pub(super) struct Entry(Vec<u8>);

impl Entry {
    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.0.extend_from_slice(name.as_bytes());
        if value.contains('\n') {
            self.0.push(b'\n');
            self.0.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            self.0.push(b'=');
        }
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The journal's name of one of our fields: `job.id` becomes `REVOKED_JOB_ID`.
pub(super) fn field_name(name: &str) -> String {
    let plain = name.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    "REVOKED_".chars().chain(plain).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_is_sent_with_its_length() {
        let mut entry = Entry::default();
        entry.add("MESSAGE", "one line");
        entry.add("NOTE", "two\nlines");
        assert_eq!(entry.into_bytes(), b"MESSAGE=one line\nNOTE\n\x09\0\0\0\0\0\0\0two\nlines\n");
    }

    #[test]
    fn field_names_are_what_the_journal_takes() {
        assert_eq!(field_name("job.id"), "REVOKED_JOB_ID");
        assert_eq!(field_name(&"x".repeat(100)).len(), 64);
    }

    #[test]
    fn only_the_very_file_that_systemd_named_is_the_journal() {
        let file = tempfile::tempfile().unwrap();
        let stat = fstat(&file).unwrap();
        assert!(is_ours(&format!("{}:{}", stat.st_dev, stat.st_ino), &file));
        assert!(!is_ours(&format!("{}:{}", stat.st_dev, stat.st_ino + 1), &file));
        for nonsense in ["", "1", "a:b", "1:2:3"] {
            assert!(!is_ours(nonsense, &file));
        }
    }

    #[test]
    fn entries_arrive_as_datagrams() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixDatagram::bind(&path).unwrap();
        let socket = UnixDatagram::unbound().unwrap();
        socket.connect(&path).unwrap();
        Journal(socket).send(&[("MESSAGE", "hello")]).unwrap();
        let mut bytes = [0; 64];
        let length = listener.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"MESSAGE=hello\n");
    }
}
