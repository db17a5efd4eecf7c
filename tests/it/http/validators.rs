//! Tags of answers: what has not changed is not sent again; HEAD answers as GET does.

use billfold::api::{Answer, TABLE, Verb};

use super::wire::{Server, config, customer_event};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reading_route_has_a_tag_and_answers_304_to_whoever_knows_it() {
    let server = Server::start(config()).await;
    server.deliver(customer_event("evt_1", "cus_1").as_bytes()).await;
    let rows = TABLE.iter().filter(|row| row.verb == Verb::Get && row.scope.is_some());
    // The feed grows: who asks for it asks for what is new.
    let untagged = [Answer::Metrics, Answer::Events, Answer::Json("FeedPage")];
    for row in rows.filter(|row| !untagged.contains(&row.answer)) {
        let id = if row.path.contains("/events/") { "evt_1" } else { "cus_1" };
        let mut path = row.path.replace("{collection}", "customers").replace("{id}", id);
        match row.name {
            "diff" => path.push_str("?from=@1"),
            // Nobody carries a reference here.
            "reference_access" => continue,
            _ => {}
        }
        let first = server.get(&path).await;
        assert_eq!(first.status, 200, "{path}");
        let tag = first.header("etag").unwrap_or_else(|| panic!("{path} has no tag")).to_owned();
        let clocked = row.answer == Answer::Json("Access");
        assert_eq!(tag.starts_with("W/"), clocked, "{path}: {tag}");
        let again = server.get_with(&path, &format!("If-None-Match: \"x\", {tag}\r\n")).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), Some(tag.as_str()), "{path}");
        assert_eq!(again.header("content-type"), None, "{path}");
        assert_eq!(server.get_with(&path, "If-None-Match: \"x\"\r\n").await.status, 200, "{path}");
        let mut head = server.connect().await;
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        head.write(request.as_bytes()).await;
        assert_eq!(head.head().await, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_answer_has_another_tag() {
    let server = Server::start(config()).await;
    server.deliver(customer_event("evt_1", "cus_1").as_bytes()).await;
    let tag = async |path: &str| server.get(path).await.header("etag").unwrap().to_owned();
    let (list, single) = (tag("/v1/customers").await, tag("/v1/customers/cus_1").await);
    assert_ne!(list, single);
    server.deliver(customer_event("evt_2", "cus_2").as_bytes()).await;
    assert_ne!(tag("/v1/customers").await, list);
    assert_eq!(tag("/v1/customers/cus_1").await, single, "nothing happened to it");
    let problem = server.get("/v1/customers/cus_3").await;
    assert_eq!((problem.status, problem.header("etag")), (404, None));
}
