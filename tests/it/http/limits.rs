//! What a request may cost: length, time, connections, and the end of the server.

use std::sync::Arc;
use std::time::Duration;

use billfold::http::{HEAD_BYTES_MAX, Limits, ServeConfig};
use billfold::log::RecordId;
use billfold::model::id::EventId;
use serde_json::json;

use super::wire::{Connection, Server, config, customer_event, delivery, signature};

/// Short enough to wait for in a test, long enough for a busy machine to send what is sent at once.
pub const SOON: Duration = Duration::from_secs(1);

/// Longer than a test takes.
const LATER: Duration = Duration::from_secs(600);

pub fn limited(limit: impl FnOnce(&mut Limits)) -> ServeConfig {
    let mut config = config();
    limit(&mut config.limits);
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let server = Server::start(limited(|limits| limits.body_bytes_max = 100_000)).await;
    let fits = vec![b' '; 100_000];
    assert_eq!(server.deliver(&fits).await.status, 200);
    let too_long = vec![b' '; 100_001];
    server.deliver(&too_long).await.assert_problem(413, "body_too_large", "100000 bytes");

    // Declared: refused before a byte of it was sent.
    let head = b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n";
    server.send(head).await.assert_problem(413, "body_too_large", "100000 bytes");

    // Streamed without a length: counted as it comes.
    let mut chunked =
        b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..11 {
        chunked.extend_from_slice(b"2710\r\n");
        chunked.extend_from_slice(&[b' '; 10_000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    server.send(&chunked).await.assert_problem(413, "body_too_large", "100000 bytes");

    // Streamed without an end.
    let mut endless = server.connect().await;
    endless.write(b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    endless.write(b"30D41\r\n").await;
    endless.write(&vec![b' '; 200_001]).await;
    endless.reply().await.expect("an answer").assert_problem(413, "body_too_large", "100000 bytes");
    assert_eq!(server.refusals(), json!({ "body_too_large": 4 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_half_way_is_not_waited_for() {
    let server = Server::start(limited(|limits| limits.body_timeout = SOON)).await;
    let body = customer_event("evt_1", "cus_1");
    let bytes = delivery(body.as_bytes(), Some(&signature(body.as_bytes())));
    let mut connection = server.connect().await;
    connection.write(&bytes[..bytes.len() - 1]).await;
    connection.reply().await.expect("an answer").assert_problem(408, "request_timeout", "did not arrive");
    assert_eq!(server.refusals(), json!({ "body_too_slow": 1 }));
    server.get("/v1/events/evt_1").await.assert_problem(404, "not_found", "evt_1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_cut_off_is_not_stored() {
    let server = Server::start(config()).await;
    let body = customer_event("evt_1", "cus_1");
    let bytes = delivery(body.as_bytes(), Some(&signature(body.as_bytes())));
    let mut connection = server.connect().await;
    connection.write(&bytes[..bytes.len() - 1]).await;
    connection.finish().await;
    assert!(connection.reply().await.is_none_or(|reply| reply.status == 400));
    let mut malformed = server.connect().await;
    malformed
        .write(b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n")
        .await;
    assert!(malformed.reply().await.is_none_or(|reply| reply.status == 400));
    assert_eq!(server.get("/v1/events").await.json()["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_ends_the_connection() {
    let server = Server::start(limited(|limits| limits.header_timeout = SOON)).await;
    for begun in [&b""[..], b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\n"] {
        let mut connection = server.connect().await;
        connection.write(begun).await;
        assert!(connection.reply().await.is_none(), "hung up");
    }
    // An idle connection ends the same way.
    let mut idle = server.connect().await;
    idle.write(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(idle.reply().await.map(|reply| reply.status), Some(200));
    assert!(idle.reply().await.is_none(), "hung up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_has_a_longest_length() {
    let server = Server::start(config()).await;
    let mut connection = server.connect().await;
    connection.write(b"GET /health/live HTTP/1.1\r\nHost: a\r\nX-Long: ").await;
    connection.write(&vec![b'x'; HEAD_BYTES_MAX]).await;
    assert_eq!(connection.reply().await.map(|reply| reply.status), Some(431));
    let mut connection = server.connect().await;
    connection.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await;
    assert!(connection.reply().await.is_none_or(|reply| reply.status == 400));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_share_the_memory() {
    let server = Server::start(limited(|limits| limits.bodies_bytes_max = 0)).await;
    let reply = server.deliver(&vec![b' '; 64 * 1024]).await;
    reply.assert_problem(503, "unavailable", "later");
    assert!(reply.header("retry-after").is_some());
    assert_eq!(server.deliver(&vec![b' '; 64 * 1024 - 1]).await.status, 200);
}

const ALIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_wait_for_room() {
    let limits = limited(|limits| (limits.connections_max, limits.wait_timeout) = (1, LATER));
    let server = Server::start(limits).await;
    let mut first = server.connect().await;
    first.write(ALIVE).await;
    assert!(first.reply().await.is_some());
    let mut second = server.connect().await;
    second.write(ALIVE).await;
    let waiting = tokio::time::timeout(SOON, second.reply()).await;
    assert!(waiting.is_err(), "there was no room");
    drop(first);
    assert_eq!(second.reply().await.map(|reply| reply.status), Some(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_in_vain_is_told_to_come_later() {
    let limits = limited(|limits| {
        (limits.connections_max, limits.waiting_max, limits.wait_timeout) = (1, 1, SOON);
    });
    let server = Server::start(limits).await;
    let mut first = server.connect().await;
    first.write(ALIVE).await;
    assert!(first.reply().await.is_some());
    let body = customer_event("evt_1", "cus_1");
    let mut second = server.connect().await;
    second.write(&delivery(body.as_bytes(), Some(&signature(body.as_bytes())))).await;
    let mut third = server.connect().await;
    assert!(third.reply().await.is_none(), "not even a place to wait in");
    let reply = second.reply().await.expect("an answer");
    reply.assert_problem(503, "unavailable", "later");
    assert!(reply.header("retry-after").is_some());
    drop(first);
    assert_eq!(server.billfold.readiness().head.get(), 0, "what is sent away is not stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_that_get_no_turn_are_told_to_come_later() {
    let server = Server::start(limited(|limits| (limits.reads_max, limits.wait_timeout) = (0, SOON))).await;
    let reply = server.get("/v1/stats").await;
    reply.assert_problem(503, "unavailable", "later");
    assert!(reply.header("retry-after").is_some());
    assert_eq!(server.get("/health/live").await.status, 200);
    assert_eq!(server.deliver(customer_event("evt_1", "cus_1").as_bytes()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overload_is_shed_and_nothing_acknowledged_is_lost() {
    const CROWD: usize = 300;
    let limits = limited(|limits| {
        (limits.connections_max, limits.waiting_max, limits.wait_timeout) = (4, 40, SOON);
    });
    let server = Arc::new(Server::start(limits).await);
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..CROWD {
        let server = Arc::clone(&server);
        crowd.spawn(async move {
            let body = customer_event(&format!("evt_{number}"), "cus_1");
            let mut connection = server.connect().await;
            // A sender that is sent away may find the connection closed.
            connection.try_write(&delivery(body.as_bytes(), Some(&signature(body.as_bytes())))).await;
            let reply = connection.reply().await;
            reply.map(|reply| (number, reply.status, reply.header("retry-after").is_some()))
        });
    }
    let mut acknowledged = Vec::new();
    while let Some(outcome) = crowd.join_next().await {
        match outcome.unwrap() {
            Some((number, 200, _)) => acknowledged.push(number),
            // Closed at once, or told to come later.
            None | Some((_, 503, true)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(!acknowledged.is_empty());
    for number in acknowledged {
        let id = RecordId::Event(EventId::parse(&format!("evt_{number}")).unwrap());
        assert!(server.billfold.event(&id).unwrap().is_some(), "evt_{number} was acknowledged");
    }
    assert_eq!(server.deliver(customer_event("evt_later", "cus_1").as_bytes()).await.status, 200);
}

/// A delivery whose head was sent, and that the server waits to go on.
async fn begun(server: &Server, head: &[u8]) -> Connection {
    let mut connection = server.connect().await;
    connection.write(&head[..head.len() - 2]).await;
    connection.write(b"Expect: 100-continue\r\n\r\n").await;
    assert_eq!(connection.reply().await.map(|reply| reply.status), Some(100));
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_is_answered_before_the_end() {
    let server = Server::start(config()).await;
    let billfold = server.billfold.clone();
    let address = server.address;
    let body = customer_event("evt_1", "cus_1");
    let bytes = delivery(body.as_bytes(), Some(&signature(body.as_bytes())));
    let mut idle = server.connect().await;
    idle.write(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(idle.reply().await.is_some());
    let mut connection = begun(&server, &bytes[..bytes.len() - body.len()]).await;
    let ended = server.asked_to_stop();
    assert!(idle.reply().await.is_none(), "idle connections are closed");
    connection.write(body.as_bytes()).await;
    assert_eq!(connection.reply().await.map(|reply| reply.status), Some(200));
    ended.await.unwrap().unwrap();
    assert_eq!(billfold.readiness().head.get(), 1);
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_does_not_wait_for_ever() {
    let server = Server::start(limited(|limits| limits.shutdown_timeout = SOON)).await;
    let mut stuck =
        begun(&server, b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n").await;
    server.stop().await.unwrap();
    assert!(stuck.reply().await.is_none());
}
