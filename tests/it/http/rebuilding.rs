//! The rebuild of a running server, over HTTP: watched, compared, confirmed, refused, and ended with the server.

use billfold::engine::Billfold;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wire::{Reply, Server, config, customer_event};
use crate::rebuild::{falsify, fill};

/// A folder with ten subscriptions, one of which the projection shows with a status that no event gave it.
fn wrong() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 10);
    falsify(folder.path(), "sub_3", "unpaid");
    folder
}

async fn start() -> Server {
    Server::over(tokio::task::spawn_blocking(wrong).await.unwrap(), config()).await
}

async fn send(server: &Server, request: &str) -> Reply {
    server
        .send(format!("{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").as_bytes())
        .await
}

/// Asks until the rebuild that is under way is at a stage; none stands for its end.
async fn until(server: &Server, stage: Option<&str>) -> Value {
    loop {
        let shown = server.get("/v1/rebuild").await.json();
        if shown["under_way"]["stage"].as_str() == stage {
            return shown;
        }
    }
}

/// What the state that serves is.
fn digest(server: &Server) -> [u8; 32] {
    server.billfold.projection_digest().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_replaces_the_state_of_a_running_server() {
    let server = start().await;
    let before = server.get("/v1/rebuild").await.json();
    assert_eq!(before, json!({ "under_way": null, "last": null }));
    let wrong = digest(&server);
    let started = send(&server, "POST /v1/rebuild").await;
    assert_eq!(started.status, 202);
    let last = until(&server, None).await["last"].clone();
    assert_eq!(
        (&last["outcome"], &last["records"], &last["changed"]),
        (&json!("swapped"), &json!(10), &json!(true))
    );
    assert_eq!(last["digest"], hex::encode(digest(&server)));
    assert_eq!(last["differences"], Value::Null);
    assert_ne!(digest(&server), wrong);
    // Once more: now nothing changes.
    send(&server, "POST /v1/rebuild").await;
    assert_eq!(until(&server, None).await["last"]["changed"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_waits_for_a_word_while_traffic_goes_on() {
    let server = start().await;
    assert_eq!(send(&server, "POST /v1/rebuild?diff=true").await.status, 202);
    let waiting = until(&server, Some("waiting")).await["under_way"].clone();
    let changes = waiting["differences"]["statuses"].as_array().unwrap().clone();
    assert_eq!(changes.len(), 1, "{waiting}");
    assert_eq!((&changes[0]["id"], &changes[0]["to"]), (&json!("sub_3"), &json!("active")));
    // One at a time, whoever asks.
    send(&server, "POST /v1/rebuild").await.assert_problem(409, "rebuild_under_way", "DELETE");
    assert!(server.billfold.rebuild(&|_| ()).is_err());
    // The old state serves, and takes what comes.
    assert_eq!(server.deliver(customer_event("evt_new", "cus_new").as_bytes()).await.status, 200);
    assert_eq!(server.get("/v1/customers/cus_new").await.status, 200);
    let wrong = digest(&server);
    assert_eq!(send(&server, "POST /v1/rebuild/swap").await.status, 202);
    let last = until(&server, None).await["last"].clone();
    assert_eq!((&last["outcome"], &last["records"]), (&json!("swapped"), &json!(11)));
    assert_eq!(last["differences"]["statuses"], json!(changes));
    assert_eq!(server.get("/v1/customers/cus_new").await.status, 200);
    assert_ne!(digest(&server), wrong);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_is_refused_changes_nothing() {
    let server = start().await;
    send(&server, "POST /v1/rebuild/swap").await.assert_problem(409, "no_rebuild", "no rebuild is under way");
    send(&server, "DELETE /v1/rebuild").await.assert_problem(409, "no_rebuild", "no rebuild is under way");
    send(&server, "POST /v1/rebuild?diff=maybe").await.assert_problem(400, "invalid_parameter", "diff");
    send(&server, "DELETE /v1/rebuild?x=1").await.assert_problem(400, "invalid_parameter", "x");
    let wrong = digest(&server);
    send(&server, "POST /v1/rebuild?diff=true").await;
    until(&server, Some("waiting")).await;
    assert_eq!(send(&server, "DELETE /v1/rebuild").await.status, 202);
    let last = until(&server, None).await["last"].clone();
    assert_eq!((&last["outcome"], &last["records"]), (&json!("kept"), &Value::Null));
    assert_eq!(digest(&server), wrong);
    // And the next one may begin.
    assert_eq!(send(&server, "POST /v1/rebuild").await.status, 202);
    assert_eq!(until(&server, None).await["last"]["outcome"], "swapped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_leaves_the_old_state() {
    let server = start().await;
    let wrong = digest(&server);
    send(&server, "POST /v1/rebuild?diff=true").await;
    until(&server, Some("waiting")).await;
    let folder = server.into_folder().await;
    let billfold =
        tokio::task::spawn_blocking(move || Billfold::open(folder.path()).map(|opened| (opened, folder)));
    let (billfold, _folder) = billfold.await.unwrap().unwrap();
    assert_eq!(billfold.projection_digest().unwrap(), wrong, "nobody confirmed the swap");
}
