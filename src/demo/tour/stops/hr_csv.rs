//! An HR system drops a file with somebody's last day.

use anyhow::Context as _;

use super::super::super::doors::{drop_file, picked_up};
use super::{Ground, Stop};

/// The file's name in the drop folder.
const FILE: &str = "leavers.csv";

/// How the sender sees that its file was taken.
const ARCHIVED: &str = "the file is in the archive";

pub(super) const STOP: Stop = Stop {
    kind: "hr-csv",
    source: "hr",
    who: "user22",
    sends: "an HR system drops leavers.csv: yesterday was the last day of {who}",
    answer: ARCHIVED,
    reason: "departed",
    told_back: false,
    furnish,
    send: |ground| Box::pin(drop_and_wait(ground)),
};

fn furnish(ground: &Ground<'_>) -> anyhow::Result<String> {
    Ok(format!(
        "folder = {folder}
time_zone = \"UTC\"
interval = \"200ms\"                      # the default is 1s
",
        folder = ground.folder("hr")?,
    ))
}

/// A file gets no answer: its sender sees it leave the drop folder.
async fn drop_and_wait(ground: &Ground<'_>) -> anyhow::Result<String> {
    let folder = ground.path("hr");
    let text = format!(
        "employee_id,email,last_working_day,action,reason\n1022,{},{},terminate,end of contract\n",
        ground.who.email,
        ground.yesterday()?
    );
    drop_file(&folder, FILE, &text).context("dropping the HR file")?;
    picked_up(&folder.join(FILE)).await?;
    let archived = std::fs::read_dir(folder.join("archive")).is_ok_and(|mut files| files.next().is_some());
    Ok(if archived {
        ARCHIVED
    } else {
        "the file is not in the archive"
    }
    .to_owned())
}
