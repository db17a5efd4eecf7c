//! What a scraper reads.

use billfold::http::{Endpoint, Endpoints, ExpectedMode, Keyring};

use super::wire::{Server, TOKEN, config, config_with_token, customer_event, delivery, signature};
use crate::support::{SECRET, secrets};

/// The value of a metric, by its whole name with its labels.
#[track_caller]
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_and_the_folder_are_counted() {
    let server = Server::start(config()).await;
    let body = customer_event("evt_1", "cus_secret_person");
    for _ in 0..3 {
        assert_eq!(server.deliver(body.as_bytes()).await.status, 200);
    }
    let forged = delivery(body.as_bytes(), Some(&signature(b"another body")));
    assert_eq!(server.send(&forged).await.status, 400);
    let reply = server.get("/metrics").await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = String::from_utf8(reply.body).unwrap();
    for (name, expected) in [
        ("billfold_deliveries_total{outcome=\"new\"}", 1.0),
        ("billfold_deliveries_total{outcome=\"duplicate\"}", 2.0),
        ("billfold_refusals_total{reason=\"bad_signature\"}", 1.0),
        ("billfold_http_requests_total{path=\"/webhooks/stripe\",status=\"400\"}", 1.0),
        ("billfold_delivery_seconds_count", 3.0),
        ("billfold_commit_seconds_count", 1.0),
        ("billfold_sync_seconds_count", 1.0),
        ("billfold_commit_records_sum", 1.0),
        ("billfold_log_position", 1.0),
        ("billfold_lag_positions", 0.0),
        ("billfold_ready", 1.0),
        ("billfold_objects{kind=\"customer\"}", 1.0),
        ("billfold_records{type=\"customer.created\",outcome=\"folded\"}", 1.0),
    ] {
        assert!((value(&text, name) - expected).abs() < f64::EPSILON, "{name} in\n{text}");
    }
    assert!(value(&text, "billfold_delivery_seconds_sum") > 0.0);
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    for secret in [SECRET, "cus_secret_person", "evt_1", &signature(body.as_bytes())] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_for_readers() {
    let server = Server::start(config_with_token()).await;
    assert_eq!(server.get("/metrics").await.status, 401);
    assert_eq!(server.get_with("/metrics", &format!("Authorization: Bearer {TOKEN}\r\n")).await.status, 200);
}

/// Every rule speaks of metrics that exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_alert_rules_name_what_is_measured() {
    let config = config();
    // Another mode than this is delivered.
    let mut endpoint = Endpoint::new("live", "/webhooks/stripe", secrets()).unwrap();
    endpoint.mode = ExpectedMode::Live;
    config.keys.replace(Keyring::new(Endpoints::new(vec![endpoint]).unwrap()));
    config.keys.mark_stale();
    let server = Server::start(config).await;
    assert_eq!(server.deliver(customer_event("evt_1", "cus_1").as_bytes()).await.status, 200);
    assert_eq!(server.send(&delivery(b"{}", Some("t=1,v1=00"))).await.status, 400);
    server.billfold.acknowledge("mailer", 0).unwrap();
    let text = String::from_utf8(server.get("/metrics").await.body).unwrap();
    for (name, expected) in [
        ("billfold_unexpected_deliveries_total{endpoint=\"live\",what=\"mode\"}", 1.0),
        ("billfold_endpoint_deliveries_total{endpoint=\"live\",outcome=\"refused\"}", 1.0),
        ("billfold_keys_stale", 1.0),
    ] {
        assert!((value(&text, name) - expected).abs() < f64::EPSILON, "{name} in\n{text}");
    }
    let rules = include_str!("../../../docs/alerts.yml");
    let names: Vec<&str> = rules
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .filter(|word| word.starts_with("billfold_"))
        .collect();
    assert!(names.len() > 5);
    for name in names {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not measured");
    }
}
