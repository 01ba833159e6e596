//! The job on effectum. Its file is opened as effectum opens it: `synchronous = NORMAL`.

#[path = "../../job.rs"]
mod job;

use std::time::Instant;

use effectum::{Job, JobRunner, Queue, RunningJob, Worker};
use job::Caller;

async fn end_sessions(running: RunningJob, caller: Caller) -> Result<(), String> {
    let person: usize = running.json_payload().map_err(|error| error.to_string())?;
    caller.end_sessions(person).await
}

async fn enqueue(queue: &Queue, person: usize) {
    let job = Job::builder("end_sessions").json_payload(&person).expect("a number");
    job.add_to(queue).await.expect("enqueued");
}

#[tokio::main]
async fn main() {
    let (caller, mut done, folder) = job::from_arguments();
    let queue = Queue::new(&folder.join("effectum.db")).await.expect("a queue");
    let began = Instant::now();
    for person in 1..=job::JOBS {
        enqueue(&queue, person).await;
    }
    let enqueues = began.elapsed();
    let began = Instant::now();
    let at_once = u16::try_from(job::AT_ONCE).expect("few");
    let worker = Worker::builder(&queue, caller)
        .jobs([JobRunner::builder("end_sessions", end_sessions).build()])
        .min_concurrency(at_once / 2)
        .max_concurrency(at_once);
    let worker = worker.build().await.expect("a worker");
    done.wait(job::JOBS).await;
    let jobs = began.elapsed();
    let reaction = done.reaction(async |person| enqueue(&queue, person).await).await;
    job::print("effectum 0.7", jobs, enqueues, reaction);
    drop(worker);
}
