//! The feed over HTTP: pages, waiting, server-sent events, cursors.

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use super::wire::{Connection, Server, config};

fn subscription(number: u32, status: &str) -> String {
    json!({
        "id": format!("evt_{number}"), "object": "event", "type": "customer.subscription.updated",
        "created": 1_799_999_000 + number, "livemode": false, "api_version": "2025-03-31.basil",
        "data": { "object": {
            "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": status,
        } },
    })
    .to_string()
}

async fn deliver(server: &Server, number: u32, status: &str) {
    assert_eq!(server.deliver(subscription(number, status).as_bytes()).await.status, 200);
}

async fn post(server: &Server, path: &str, kind: &str, body: &str) -> super::wire::Reply {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    server.send(head.as_bytes()).await
}

const JSON: &str = "Content-Type: application/json\r\n";

/// A connection that asks and is not answered yet.
async fn asks(server: &Server, path: &str, headers: &str) -> Connection {
    let mut connection = server.connect().await;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", server.address);
    connection.write(head.as_bytes()).await;
    connection
}

/// What comes, up to and with the end of the event, or of the head, that a text stands in.
async fn until(connection: &mut Connection, text: &str) -> String {
    let mut seen = Vec::new();
    loop {
        let read = connection.0.read_buf(&mut seen).await.unwrap();
        let told = String::from_utf8_lossy(&seen);
        if told.split_once(text).is_some_and(|(_, rest)| rest.contains("\n\n") || text.ends_with("\r\n")) {
            return told.into_owned();
        }
        assert_ne!(read, 0, "it ended with {told:?}, without {text:?}");
    }
}

/// The ids of the entries among server-sent events: as the protocol says them, and as the entries do.
fn ids(told: &str) -> Vec<u64> {
    let ids =
        |prefix: &str| told.lines().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect();
    let (said, entries): (Vec<String>, Vec<String>) = (ids("id:"), ids("data:"));
    let ids: Vec<u64> = said.iter().map(|id| id.trim().parse().unwrap()).collect();
    let entries =
        entries.iter().map(|data| serde_json::from_str::<Value>(data).unwrap()["id"].as_u64().unwrap());
    assert_eq!(entries.collect::<Vec<_>>(), ids);
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_read_page_by_page() {
    let server = Server::start(config()).await;
    deliver(&server, 1, "active").await;
    deliver(&server, 2, "past_due").await;
    let whole = server.get("/v1/feed").await.json();
    let kinds: Vec<_> = whole["data"].as_array().unwrap().iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(
        kinds,
        ["subscription.status_changed", "access.granted", "subscription.status_changed", "access.in_grace"]
    );
    assert_eq!((&whole["next"], &whole["head"]), (&json!(4), &json!(4)));
    let last = &whole["data"][2];
    assert_eq!((&last["from"]["status"], &last["to"]["status"]), (&json!("active"), &json!("past_due")));
    assert_eq!(last["cause"]["event"], "evt_2");
    assert_eq!(last["idempotency_key"], "evt_2:subscription.status_changed:sub_1");
    assert!(whole["data"][3]["next_change_at"].as_i64().is_some());
    assert_eq!(whole["data"][3]["to"]["decision"], "grace");

    let page = server.get("/v1/feed?after=1&limit=2").await.json();
    assert_eq!(page["data"], json!([whole["data"][1], whole["data"][2]]));
    assert_eq!(page["next"], 3);
    let access = server.get("/v1/feed?kind=access.in_grace&customer=cus_1&livemode=false").await.json();
    assert_eq!(access["data"], json!([whole["data"][3]]));
    assert_eq!(server.get("/v1/feed?after=4").await.json()["data"], json!([]));
    for (query, parameter) in [
        ("wait=61s", "wait"),
        ("kind=nothing", "kind"),
        ("after=x", "after"),
        ("as=a&after=1", "as"),
        ("as=a%2Fb", "as"),
    ] {
        let problem = server.get(&format!("/v1/feed?{query}")).await;
        let document = problem.assert_problem(400, "invalid_parameter", "");
        assert_eq!(document["parameter"], parameter, "{query}");
    }
    // Whoever waited there, behind a feed that was restored, would miss what comes next.
    for path in ["/v1/feed?after=5", "/v1/feed?after=5&wait=60s", "/v1/feed/events?after=5"] {
        let problem = server.get(path).await.assert_problem(400, "invalid_parameter", "the newest is 4");
        assert_eq!(problem["parameter"], "after", "{path}");
    }
    let ahead = server.get_with("/v1/feed/events", "Last-Event-ID: 5\r\n").await;
    ahead.assert_problem(400, "invalid_parameter", "the newest is 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_for_what_is_new() {
    let server = Server::start(config()).await;
    deliver(&server, 1, "active").await;
    let mut waiting = asks(&server, "/v1/feed?after=2&wait=60s", "").await;
    // Filtered out: it goes on waiting.
    let mut filtered = asks(&server, "/v1/feed?after=2&wait=60s&kind=access.revoked", "").await;
    deliver(&server, 2, "past_due").await;
    let page = waiting.reply().await.unwrap().json();
    assert_eq!(page["data"][0]["id"], 3);
    deliver(&server, 3, "canceled").await;
    let page = filtered.reply().await.unwrap().json();
    assert_eq!(page["data"][0]["kind"], "access.revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sent_as_they_come_and_go_on_where_a_connection_broke() {
    let server = Server::start(config()).await;
    deliver(&server, 1, "active").await;
    let mut following = asks(&server, "/v1/feed", "Accept: text/event-stream\r\n").await;
    let mut told = until(&mut following, "access.granted").await;
    assert!(told.to_lowercase().contains("content-type: text/event-stream"), "{told}");
    assert!(told.to_lowercase().contains("cache-control: no-store"), "{told}");
    deliver(&server, 2, "past_due").await;
    told += &until(&mut following, "access.in_grace").await;
    assert_eq!(ids(&told), [1, 2, 3, 4]);
    drop(following);
    deliver(&server, 3, "canceled").await;
    let mut again = asks(&server, "/v1/feed/events?after=1", "Last-Event-ID: 4\r\n").await;
    let told = until(&mut again, "access.revoked").await;
    assert_eq!(ids(&told), [5, 6]);
    let wrong = server.get_with("/v1/feed/events", "Last-Event-ID: x\r\n").await;
    wrong.assert_problem(400, "invalid_parameter", "Last-Event-ID");
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_move_when_they_are_told_to() {
    let server = Server::start(config()).await;
    deliver(&server, 1, "active").await;
    let path = "/v1/feed/cursors/mail.v1";
    post(&server, path, "", r#"{"after":1}"#).await.assert_problem(400, "invalid_body", "Content-Type");
    for body in ["", "{}", r#"{"after":-1}"#, r#"{"after":1,"x":2}"#, "1"] {
        post(&server, path, JSON, body).await.assert_problem(400, "invalid_body", "after");
    }
    post(&server, path, JSON, r#"{"after":3}"#).await.assert_problem(400, "invalid_parameter", "newest is 2");
    post(&server, "/v1/feed/cursors/a%20b", JSON, r#"{"after":1}"#).await.assert_problem(
        400,
        "invalid_parameter",
        "name",
    );
    let moved = post(&server, path, JSON, r#"{"after":1}"#).await;
    assert_eq!(moved.json(), json!({ "name": "mail.v1", "after": 1, "lag": 1 }));
    let listed = server.get("/v1/feed/cursors").await.json();
    assert_eq!(listed["data"], json!([{ "name": "mail.v1", "after": 1, "lag": 1 }]));
    let page = server.get("/v1/feed?as=mail.v1").await.json();
    assert_eq!(page["data"][0]["id"], 2);
    assert_eq!(server.get("/v1/feed?as=never-heard-of").await.json()["data"][0]["id"], 1);
    let metrics = String::from_utf8(server.get("/metrics").await.body).unwrap();
    assert!(metrics.contains("billfold_feed_cursor_lag{cursor=\"mail.v1\"} 1"), "{metrics}");
    assert!(metrics.contains("billfold_feed_head 2"), "{metrics}");
    let stats = server.get("/v1/stats").await.json();
    assert_eq!(stats["feed"]["cursors"][0]["lag"], 1);

    let delete = format!("DELETE {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    assert_eq!(server.send(delete.as_bytes()).await.status, 200);
    server.send(delete.as_bytes()).await.assert_problem(404, "not_found", "no cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_takes_no_place_of_those_who_ask_and_there_are_only_so_many() {
    let mut config = config();
    config.limits.reads_max = 1;
    config.limits.followers_max = 2;
    let server = Server::start(config).await;
    deliver(&server, 1, "active").await;
    let mut one = asks(&server, "/v1/feed/events", "").await;
    until(&mut one, "access.granted").await;
    let mut other = asks(&server, "/v1/feed/events", "").await;
    until(&mut other, "access.granted").await;
    let problem = server.get("/v1/feed/events").await;
    assert_eq!(problem.assert_problem(503, "unavailable", "too many readers")["reason"], "crowded");
    server.get("/v1/feed?after=2&wait=60s").await.assert_problem(503, "unavailable", "too many readers");
    assert_eq!(server.get("/v1/feed").await.status, 200, "without waiting there is room");
    assert_eq!(server.get("/v1/subscriptions/sub_1").await.status, 200);
    drop(one);
    // The place is free once the server has noticed: nothing else is to be asked of it meanwhile.
    loop {
        let mut next = asks(&server, "/v1/feed/events", "").await;
        let told = until(&mut next, "\r\n\r\n").await;
        if told.starts_with("HTTP/1.1 200") {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_sends_home_who_follows() {
    let server = Server::start(config()).await;
    deliver(&server, 1, "active").await;
    let mut following = asks(&server, "/v1/feed/events", "").await;
    until(&mut following, "access.granted").await;
    let mut waiting = asks(&server, "/v1/feed?after=2&wait=60s", "").await;
    // Both are known to wait: a third would be, too.
    let ended = server.asked_to_stop();
    let page = waiting.reply().await;
    assert!(page.is_none_or(|page| page.json()["data"] == json!([])));
    let mut rest = Vec::new();
    following.0.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "its end is told, not cut");
    ended.await.unwrap().unwrap();
}
