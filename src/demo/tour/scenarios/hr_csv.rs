//! An HR system drops a file with somebody's last day.

use anyhow::Context as _;

use super::super::super::send_signals::{drop_file, picked_up};
use super::{Scenario, ScenarioContext};

/// The file's name in the drop folder.
const FILE: &str = "leavers.csv";

/// How the sender sees that its file was taken.
const ARCHIVED: &str = "the file is in the archive";

pub(super) const SCENARIO: Scenario = Scenario {
    kind: "hr-csv",
    source: "hr",
    who: "user22",
    sends: "an HR system drops leavers.csv: yesterday was the last day of {who}",
    answer: ARCHIVED,
    reason: "departed",
    told_back: false,
    configure,
    send: |context| Box::pin(drop_and_wait(context)),
};

fn configure(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    Ok(format!(
        "folder = {folder}
time_zone = \"UTC\"
interval = \"200ms\"                      # the default is 1s
",
        folder = context.folder("hr")?,
    ))
}

/// A file gets no answer: its sender sees it leave the drop folder.
async fn drop_and_wait(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let folder = context.path("hr");
    let text = format!(
        "employee_id,email,last_working_day,action,reason\n1022,{},{},terminate,end of contract\n",
        context.who.email,
        context.yesterday()?
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
