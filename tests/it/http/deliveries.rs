//! Deliveries: believed, doubted, odd, repeated.

use billfold::engine::Billfold;
use billfold::stripe::signature::{Secrets, sign};
use serde_json::{Value, json};

use super::wire::{Server, config, customer_event, delivery, signature};
use crate::support::{NOW, Seed, Stream, fixtures, secrets, signed};

/// An event of a type that does not exist yet.
const OF_TOMORROW: &[u8] =
    br#"{"id":"evt_new","object":"event","type":"a.type.of.tomorrow","created":1700000000,
    "livemode":false,"data":{"object":{"id":"tom_1","object":"tomorrow"}}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_event_is_shown_at_once() {
    let server = Server::start(config()).await;
    let body = customer_event("evt_1", "cus_1");
    let reply = server.deliver(body.as_bytes()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json(), json!({ "received": true, "duplicate": false, "id": "evt_1" }));
    let customer = server.get("/v1/customers/cus_1").await;
    assert_eq!(customer.status, 200);
    assert_eq!(customer.json()["id"], "cus_1");
    let again = server.deliver(body.as_bytes()).await;
    assert_eq!(again.json(), json!({ "received": true, "duplicate": true, "id": "evt_1" }));
    let events = server.get("/v1/events").await.json();
    assert_eq!(events["data"].as_array().map(Vec::len), Some(1));
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_sent_many_times_at_once_is_new_once() {
    let server = Server::start(config()).await;
    let body = customer_event("evt_1", "cus_1");
    let bytes = delivery(body.as_bytes(), Some(&signature(body.as_bytes())));
    let mut connections = Vec::new();
    for _ in 0..16 {
        let mut connection = server.connect().await;
        connection.write(&bytes).await;
        connections.push(connection);
    }
    let mut new = 0;
    for mut connection in connections {
        let reply = connection.reply().await.unwrap();
        assert_eq!(reply.status, 200);
        new += usize::from(reply.json()["duplicate"] == false);
    }
    assert_eq!(new, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_is_not_believed_is_refused_with_what_to_check() {
    let server = Server::start(config()).await;
    let body = customer_event("evt_1", "cus_1").into_bytes();
    let other: Secrets = "whsec_another_one".parse().unwrap();
    let now = NOW.seconds();
    let table = [
        (None, "missing_header", "Stripe-Signature header is missing"),
        (Some(String::new()), "missing_header", "Stripe-Signature header is missing"),
        (Some("nonsense".to_owned()), "malformed_header", "malformed"),
        (Some(format!("t={}", now.0)), "no_signature", "no v1 signature"),
        (Some(sign(&other, &body, now)), "bad_signature", "`whsec_`"),
        (Some(sign(&secrets(), b"another body", now)), "bad_signature", "re-serialises"),
        (Some(sign(&secrets(), &body, now.plus(-301))), "too_old", "clock"),
        (Some(sign(&secrets(), &body, now.plus(301))), "too_new", "clock"),
    ];
    let mut counts = std::collections::BTreeMap::<_, u64>::new();
    for (header, reason, said) in table {
        let reply = server.send(&delivery(&body, header.as_deref())).await;
        let document = reply.assert_problem(400, "invalid_signature", said);
        assert_eq!(document["reason"], reason);
        // Neither the sender's signature nor our secret is repeated.
        assert!(!reply.json().to_string().contains("v1="));
        *counts.entry(reason).or_default() += 1;
    }
    assert_eq!(server.refusals(), json!(counts));
    server.get("/v1/events/evt_1").await.assert_problem(404, "not_found", "evt_1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authentic_body_is_kept_whatever_it_holds() {
    let server = Server::start(config()).await;
    let nested = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let bodies: [(&[u8], &str); 7] = [
        (b"", "quarantined"),
        (b"not json", "quarantined"),
        (b"{}", "quarantined"),
        (b"{\"id\":\"evt_cut\",\"obj", "quarantined"),
        (b"\xff\xfe\x00", "quarantined"),
        (&nested, "quarantined"),
        (OF_TOMORROW, "unknown_type"),
    ];
    for (body, outcome) in bodies {
        let reply = server.deliver(body).await;
        assert_eq!(reply.status, 200, "{}", reply.json());
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        let event = server.get(&format!("/v1/events/{id}")).await.json();
        assert_eq!(event["outcome"], outcome, "{event}");
        assert_eq!(event["body_bytes"], body.len());
        assert_eq!(server.deliver(body).await.json()["duplicate"], true);
    }
    let listed = server.get("/v1/events?outcome=quarantined").await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_content_under_a_known_id_is_counted_and_the_first_stays() {
    let server = Server::start(config()).await;
    server.deliver(customer_event("evt_1", "cus_1").as_bytes()).await;
    let other = server.deliver(customer_event("evt_1", "cus_2").as_bytes()).await;
    assert_eq!((other.status, &other.json()["duplicate"]), (200, &json!(true)));
    assert_eq!(server.get("/v1/stats").await.json()["conflicts"], 1);
    assert_eq!(server.get("/v1/customers/cus_1").await.status, 200);
    assert_eq!(server.get("/v1/customers/cus_2").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_are_a_body() {
    let server = Server::start(config()).await;
    let body = customer_event("evt_1", "cus_1");
    let (first, second) = body.split_at(10);
    let bytes = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nStripe-Signature: {}\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        signature(body.as_bytes()),
        first.len(),
        second.len(),
    );
    let reply = server.send(bytes.as_bytes()).await;
    assert_eq!((reply.status, &reply.json()["id"]), (200, &json!("evt_1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_stays_open_behind_a_proxy_and_with_a_token() {
    let server = Server::start(super::wire::config_with_token()).await;
    let body = customer_event("evt_1", "cus_1");
    let head = format!(
        "POST /webhooks/stripe/ HTTP/1.1\r\nHost: billing.example.com\r\nX-Forwarded-For: 1.2.3.4\r\n\
         Stripe-Signature: {}\r\nContent-Length: {}\r\n\r\n{body}",
        signature(body.as_bytes()),
        body.len(),
    );
    assert_eq!(server.send(head.as_bytes()).await.status, 200);
    assert_eq!(
        server.get_with("/health/live", "X-Forwarded-For: 1.2.3.4\r\n").await.json(),
        json!({ "live": true })
    );
    let ready = server.get("/health/ready").await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json(), json!({ "ready": true, "reasons": [], "applied": 1, "head": 1 }));
    let unread: Value = server.get("/v1/customers").await.json();
    assert_eq!(unread["status"], 401);
}

/// Recorded streams, signed afresh, shuffled, over connections that stay open: the same bytes as without HTTP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_streams_over_http_give_the_same_projection() {
    for name in ["kitchen_sink", "several_customers_interleaved"] {
        let stream = Stream::load(&fixtures().join("corpus/augmented").join(name));
        let folder = tempfile::tempdir().unwrap();
        let direct = Billfold::open(folder.path()).unwrap();
        let signed_bodies = stream.bodies.iter().map(|body| signed(body)).collect();
        tokio::task::block_in_place(|| direct.ingest_blocking(signed_bodies)).unwrap();

        let server = Server::start(config()).await;
        let mut bodies = stream.bodies.clone();
        Seed::new(7).shuffle(&mut bodies);
        let mut connections = [server.connect().await, server.connect().await];
        for pair in bodies.chunks(2) {
            for (connection, body) in connections.iter_mut().zip(pair) {
                connection.write(&delivery(body.as_bytes(), Some(&signature(body.as_bytes())))).await;
            }
            for (connection, _) in connections.iter_mut().zip(pair) {
                assert_eq!(connection.reply().await.map(|reply| reply.status), Some(200), "{name}");
            }
        }
        let over_http = server.billfold.projection_digest().unwrap();
        assert_eq!(over_http, direct.projection_digest().unwrap(), "{name}");
    }
}
