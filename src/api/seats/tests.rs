//! Shares: who goes first, who stays, and that nothing is counted twice.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;

fn seats(connections: usize, per_address: usize) -> Seats {
    Seats::new(&Limits {
        connections,
        connections_per_address: per_address,
        body_bytes: 1000,
        proxies: vec![IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))],
        ..Limits::default()
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A connection that gets a seat, a moment after the one before.
async fn enter(seats: &Seats, from: &str) -> Seat {
    tokio::time::advance(Duration::from_millis(1)).await;
    match seats.enter(ip(from)) {
        Entry::In(seat) => seat,
        Entry::AtShare => panic!("{from} is at its share"),
        Entry::Full => panic!("there is no seat for {from}"),
    }
}

fn is_gone(seat: &Seat) -> bool {
    seat.go.is_cancelled()
}

#[tokio::test(start_paused = true)]
async fn the_network_with_the_most_gives_first_there_the_address_with_the_most_and_there_the_oldest() {
    let seats = seats(7, 16);
    let sender = enter(&seats, "198.51.100.7").await;
    let neighbour = enter(&seats, "203.0.113.1").await;
    let oldest = enter(&seats, "203.0.113.9").await;
    let others = [enter(&seats, "203.0.113.9").await, enter(&seats, "203.0.113.9").await];
    let elsewhere = [enter(&seats, "192.0.2.1").await, enter(&seats, "192.0.2.2").await];
    let newcomer = enter(&seats, "198.51.100.99").await;
    assert!(is_gone(&oldest));
    for seat in [&sender, &neighbour, &newcomer].into_iter().chain(&others).chain(&elsewhere) {
        assert!(!is_gone(seat));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_takes_its_seats_from_itself_and_never_from_the_one_that_came_once() {
    let seats = seats(256, 16);
    let sender = enter(&seats, "198.51.100.7").await;
    let mut crowd = Vec::new();
    for n in 0..10_000_u32 {
        // 700 addresses in three networks.
        let n = n % 700;
        crowd.push(enter(&seats, &format!("203.0.{}.{}", n / 250, n % 250 + 1)).await);
        crowd.retain(|seat| !is_gone(seat));
        assert!(!is_gone(&sender));
    }
    assert_eq!(seats.table().seats.len(), 256);
}

#[tokio::test(start_paused = true)]
async fn an_address_at_its_share_takes_from_itself_or_gets_nothing() {
    let seats = seats(100, 2);
    let first = enter(&seats, "203.0.113.9").await;
    let second = enter(&seats, "203.0.113.9").await;
    first.is(Stage::Kept);
    let third = enter(&seats, "203.0.113.9").await;
    assert!(is_gone(&second) && !is_gone(&first));
    third.is(Stage::Kept);
    assert!(matches!(seats.enter(ip("203.0.113.9")), Entry::AtShare));
    assert!(matches!(seats.enter(ip("203.0.113.10")), Entry::In(_)), "another has its own");
    drop(first);
    drop(enter(&seats, "203.0.113.9").await);
}

#[tokio::test(start_paused = true)]
async fn this_host_and_a_named_proxy_are_never_one_client() {
    let seats = seats(40, 2);
    let mut many = Vec::new();
    for from in ["127.0.0.1", "::1", "10.0.0.1"] {
        for _ in 0..10 {
            many.push(enter(&seats, from).await);
        }
    }
    let crowd = [
        enter(&seats, "203.0.113.9").await,
        enter(&seats, "203.0.113.9").await,
        enter(&seats, "203.0.113.10").await,
    ];
    let mut more = Vec::new();
    for n in 0..9 {
        more.push(enter(&seats, &format!("192.0.{n}.1")).await);
    }
    assert!(
        many.iter().all(|seat| !is_gone(seat)),
        "the crowd goes before what was passed on"
    );
    assert_eq!(crowd.iter().filter(|seat| is_gone(seat)).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_everybody_is_worked_on_the_next_waits() {
    let seats = seats(2, 16);
    let first = enter(&seats, "203.0.113.1").await;
    let second = enter(&seats, "203.0.113.2").await;
    first.is(Stage::Kept);
    second.is(Stage::Kept);
    assert!(matches!(seats.enter(ip("203.0.113.3")), Entry::Full));
    second.is(Stage::Silent);
    tokio::time::timeout(Duration::from_secs(1), seats.change()).await.unwrap();
    drop(enter(&seats, "203.0.113.3").await);
    assert!(is_gone(&second) && !is_gone(&first));
}

#[tokio::test(start_paused = true)]
async fn those_that_were_told_to_go_hold_their_descriptors_until_they_have_gone() {
    let seats = seats(CLOSING, 16);
    let mut going = Vec::new();
    for n in 0..2 * CLOSING {
        going.push(enter(&seats, &format!("203.0.{n}.1")).await);
    }
    assert!(matches!(seats.enter(ip("198.51.100.7")), Entry::Full));
    going.remove(0);
    drop(enter(&seats, "198.51.100.7").await);
}

#[tokio::test(start_paused = true)]
async fn bodies_share_one_memory_and_a_slow_one_makes_room() {
    let seats = seats(100, 16);
    let slow = enter(&seats, "203.0.113.1").await;
    let proven = enter(&seats, "203.0.113.2").await;
    for seat in [&slow, &proven] {
        assert!(seat.reads(400).await);
    }
    proven.is(Stage::Kept);
    tokio::time::advance(SLOW * 2).await;
    let sender = enter(&seats, "198.51.100.7").await;
    assert!(sender.reads(500).await, "the one that is slow makes room");
    assert!(is_gone(&slow) && !is_gone(&proven));
    assert!(!slow.reads(1).await, "and reads no more");
    assert!(!sender.reads(200).await, "nobody else may be sent away");
    let body = sender.body();
    drop(sender);
    assert_eq!(seats.table().bytes, 900, "a delivery at work outlives its connection");
    drop((body, proven));
    assert_eq!(seats.table().bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_waits_for_one_that_is_whole_in_a_moment_and_not_for_what_never_fits() {
    let seats = seats(100, 16);
    let first = enter(&seats, "203.0.113.1").await;
    assert!(first.reads(900).await);
    let second = enter(&seats, "203.0.113.2").await;
    let body = first.body();
    let freed = async {
        tokio::time::advance(SLOW / 2).await;
        drop(body);
    };
    assert!(tokio::join!(second.reads(900), freed).0);
    assert!(!is_gone(&first));
    let before = Instant::now();
    assert!(!second.reads(200).await, "1100 never fit into 1000");
    assert_eq!(before, Instant::now());
}

#[tokio::test(start_paused = true)]
async fn bodies_that_wait_for_each_other_do_not_wait_for_ever() {
    let seats = seats(100, 16);
    let (first, second) = (enter(&seats, "203.0.113.1").await, enter(&seats, "203.0.113.2").await);
    assert!(first.reads(500).await && second.reads(500).await);
    let (one, other) = tokio::join!(first.reads(400), second.reads(400));
    assert!(one ^ other, "one goes for the other");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_those_who_have_gone() {
    let seats = seats(8, 4);
    for n in 0..1000_u32 {
        let from = format!("203.0.{}.{}", n % 3, n % 200);
        let seat = enter(&seats, &from).await;
        seat.is(if n % 2 == 0 { Stage::Kept } else { Stage::Unproven });
        assert!(seat.reads(n as usize % 900).await);
    }
    let table = seats.table();
    assert!(table.seats.is_empty() && table.addresses.rows.is_empty() && table.networks.index.is_empty());
    assert_eq!((table.closing, table.bytes), (0, 0));
}
