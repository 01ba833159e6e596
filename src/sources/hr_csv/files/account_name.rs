//! What the machine calls an owner and a group, for the commands that mend a folder.

/// The login name of a uid, or its number as commands take it.
pub(in crate::sources::hr_csv) fn owner_name(uid: u32) -> String {
    name("/etc/passwd", uid)
}

/// The name of a group, or its number as commands take it.
pub(in crate::sources::hr_csv) fn group_name(gid: u32) -> String {
    name("/etc/group", gid)
}

/// The first field of the line whose third is the number.
fn name(list: &str, number: u32) -> String {
    let text = std::fs::read_to_string(list).unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| number.to_string())
}
