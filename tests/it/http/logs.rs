//! What the server writes into its log: never a person, a secret or a signature.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::wire::{Server, TOKEN, config_with_token, customer_event, delivery, signature};
use crate::support::SECRET;

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One thread, so that all of the server logs here.
#[tokio::test]
async fn a_log_line_shows_the_form_of_a_request_alone() {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("billfold=trace"))
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    let server = Server::start(config_with_token()).await;
    let body = customer_event("evt_hidden", "cus_hidden");
    let signature = signature(body.as_bytes());
    // Twice: a line that another test writes for the first time just now may not be known to be wanted here.
    for _ in 0..2 {
        server.deliver(body.as_bytes()).await;
        server.send(&delivery(b"hidden", Some(&signature))).await;
        let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
        let number = "X-Request-Id: 7c9e6679-7425-40de-944b-e07fc1f90ae7\r\n";
        let numbered = server.get_with("/health/live", number).await;
        assert_eq!(numbered.header("x-request-id"), Some("7c9e6679-7425-40de-944b-e07fc1f90ae7"));
        let own = server.get_with("/health/live", "X-Request-Id: cus_hidden_0123456789\r\n").await;
        assert_eq!(own.header("x-request-id").map(str::len), Some(32));
        server.get_with("/v1/customers/cus_hidden?account=acct_hidden", &bearer).await;
        server.get_with("/v1/access?ref=user_hidden", &bearer).await;
        server.send(b"HIDDEN /v1/events HTTP/1.1\r\nHost: hidden\r\nX-Hidden: hidden\r\n\r\n").await;
        tracing::callsite::rebuild_interest_cache();
    }
    server.stop().await.unwrap();

    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    for shown in [
        "path=\"/webhooks/stripe\"",
        "path=\"/v1/{collection}/{id}\"",
        "path=\"/v1/access\"",
        "method=\"GET\"",
        "request_id=\"7c9e6679-7425-40de-944b-e07fc1f90ae7\"",
        "status=200",
        "status=400",
        "duration_us=",
        "reason=\"bad_signature\"",
    ] {
        assert!(log.contains(shown), "no {shown} in:\n{log}");
    }
    let signed = signature.split("v1=").nth(1).unwrap();
    for hidden in ["hidden", "HIDDEN", "_hidden", SECRET, TOKEN, signed] {
        assert!(!log.contains(hidden), "{hidden} in:\n{log}");
    }
}
