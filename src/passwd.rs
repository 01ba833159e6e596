//! Names of the accounts and groups of this host.

/// The login name of a uid, from `/etc/passwd`: enough for a name beside a number that is recorded anyway.
#[must_use]
pub fn login(uid: u32) -> Option<String> {
    name_of("/etc/passwd", uid)
}

/// The name of a group, from `/etc/group`.
#[must_use]
pub fn group(gid: u32) -> Option<String> {
    name_of("/etc/group", gid)
}

/// Both files have the name first, and the number third.
fn name_of(file: &str, number: u32) -> Option<String> {
    let lines = std::fs::read_to_string(file).ok()?;
    lines.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == number).then(|| name.to_owned())
    })
}
