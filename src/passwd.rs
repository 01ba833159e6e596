//! Names of the accounts of this host.

/// The login name of a uid, from `/etc/passwd`: enough for a name beside a number that is recorded anyway.
#[must_use]
pub fn login(uid: u32) -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == uid).then(|| name.to_owned())
    })
}
