//! How many connections there may be, in all and from one address.

use revoked::api::Limits;
use tokio::io::AsyncWriteExt as _;

use super::{Rig, ask, body, delivery, get, status, until_closed};

#[tokio::test]
async fn an_address_gets_no_more_than_its_connections() {
    let rig = Rig::start(Limits {
        connections_per_address: 2,
        ..Limits::default()
    })
    .await;
    let mut first = rig.connect().await;
    let mut second = rig.connect().await;
    for stream in [&mut first, &mut second] {
        stream.write_all(delivery("wait").as_bytes()).await.unwrap();
    }
    rig.arrived(2).await;
    assert_eq!(
        until_closed(&mut rig.connect().await).await,
        "",
        "the third is closed at once"
    );
    let other = ask(&mut rig.connect_from("127.0.0.2").await, get("/livez")).await;
    assert_eq!(status(&other), 200, "another address has its own");
    rig.open_gate(2);
    for stream in [&mut first, &mut second] {
        assert_eq!(status(&until_closed(stream).await), 202);
    }
    assert_eq!(status(&rig.ask(get("/livez")).await), 200, "closed ones make room");
}

#[tokio::test]
async fn a_proxy_is_bound_by_the_whole_only() {
    let rig = Rig::start(Limits {
        connections_per_address: 1,
        proxies: vec!["127.0.0.1".parse().unwrap()],
        ..Limits::default()
    })
    .await;
    let mut waiting = rig.connect().await;
    waiting.write_all(delivery("wait").as_bytes()).await.unwrap();
    rig.arrived(1).await;
    assert_eq!(status(&rig.ask(get("/livez")).await), 200);
}

#[tokio::test]
async fn a_full_house_lets_the_next_wait_until_one_leaves() {
    let rig = Rig::start(Limits {
        connections: 2,
        ..Limits::default()
    })
    .await;
    let mut inside = Vec::new();
    for _ in 0..2 {
        let mut stream = rig.connect().await;
        stream.write_all(delivery("wait").as_bytes()).await.unwrap();
        inside.push(stream);
    }
    rig.arrived(2).await;
    let mut third = rig.connect().await;
    third.write_all(delivery("late").as_bytes()).await.unwrap();
    assert_eq!(rig.delivered(), 2, "the third is not let in");
    rig.open_gate(1);
    let answer = until_closed(&mut third).await;
    assert_eq!((status(&answer), body(&answer)), (202, "idp took 4 bytes\n"));
}
