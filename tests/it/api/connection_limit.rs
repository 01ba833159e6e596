//! The connection limit, in all and from one address.

use revoked::api::Limits;
use revoked::telemetry::metrics;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::apart::{apart, is_apart, passed};

use super::{SHORT, TestServer, ask, body, delivery, get, soon, status, until_closed};

#[tokio::test]
async fn this_host_and_a_named_proxy_are_bound_by_the_whole_only() {
    for proxies in [vec![], vec!["127.0.0.1".parse().unwrap()]] {
        let server = TestServer::start(Limits {
            connections_per_address: 1,
            proxies,
            ..Limits::default()
        })
        .await;
        let mut waiting = Vec::new();
        for _ in 0..50 {
            let mut stream = server.connect().await;
            stream.write_all(delivery("wait").as_bytes()).await.unwrap();
            waiting.push(stream);
        }
        server.arrived(50).await;
        assert_eq!(status(&server.ask(get("/livez")).await), 200);
        server.open_gate(50);
        for stream in &mut waiting {
            assert_eq!(status(&until_closed(stream).await), 202);
        }
    }
}

#[tokio::test]
async fn the_connection_limit_lets_the_next_wait_until_one_leaves() {
    let server = TestServer::start(Limits {
        connections: 2,
        ..Limits::default()
    })
    .await;
    let mut inside = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(delivery("wait").as_bytes()).await.unwrap();
        inside.push(stream);
    }
    server.arrived(2).await;
    let mut third = server.connect().await;
    third.write_all(delivery("late").as_bytes()).await.unwrap();
    assert_eq!(server.delivered(), 2, "the third is not let in");
    server.open_gate(1);
    let answer = until_closed(&mut third).await;
    assert_eq!((status(&answer), body(&answer)), (202, "idp took 4 bytes\n"));
}

#[tokio::test]
async fn deliveries_that_nobody_waits_for_any_more_still_count() {
    let server = TestServer::start(Limits {
        connections: 1,
        answer: SHORT,
        ..Limits::default()
    })
    .await;
    assert_eq!(status(&server.ask(delivery("wait")).await), 503);
    assert_eq!(status(&server.ask(delivery("x")).await), 503, "the first is still at work");
    assert_eq!(server.delivered(), 1);
    server.open_gate(1);
    server.finished().await;
    soon(async { while status(&server.ask(delivery("x")).await) != 202 {} }).await;
}

#[tokio::test]
async fn running_out_of_descriptors_is_survived() {
    // The limit is one of the whole process.
    if !is_apart() {
        passed(apart("api::connection_limit::running_out_of_descriptors_is_survived"));
        return;
    }
    let server = TestServer::start(Limits {
        connections: 1000,
        connections_per_address: 1000,
        ..Limits::default()
    })
    .await;
    let few = Rlimit {
        current: Some(64),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, few).unwrap();

    let mut clients = Vec::new();
    while let Ok(stream) = soon(TcpStream::connect(server.address)).await {
        clients.push(stream);
    }
    // One descriptor is free again; this client takes it, and none is left to accept it with.
    clients.pop();
    let last = soon(async {
        loop {
            match TcpStream::connect(server.address).await {
                Ok(stream) => break stream,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    let failed = || {
        metrics()
            .render()
            .lines()
            .any(|line| line.starts_with("revoked_accept_errors_total") && !line.ends_with(" 0"))
    };
    soon(async {
        while !failed() {
            tokio::task::yield_now().await;
        }
    })
    .await;

    drop((clients, last));
    let answer = ask(&mut soon(TcpStream::connect(server.address)).await.unwrap(), get("/livez")).await;
    assert_eq!(status(&answer), 200);
}
