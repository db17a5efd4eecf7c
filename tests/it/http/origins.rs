//! Pages of other origins: shut out, unless they are named and show a token.

use super::wire::{Reply, Server, TOKEN, config, config_with_token};

const PAGE: &str = "https://app.example.com";

/// The headers of an answer that open something to a page.
fn opened(reply: &Reply) -> Vec<&str> {
    reply.header_names().filter(|name| name.starts_with("access-control-")).collect()
}

async fn preflight(server: &Server, origin: &str, method: &str, path: &str) -> Reply {
    let head = format!(
        "OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: {method}\r\n\
         Access-Control-Request-Headers: authorization\r\n\r\n"
    );
    server.send(head.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_no_page_is_let_in() {
    for config in [config(), config_with_token()] {
        let server = Server::start(config).await;
        for path in ["/v1/customers", "/v1/nothing", "/openapi.json", "/health/live", "/webhooks/stripe"] {
            let asked = format!("Origin: {PAGE}\r\nAuthorization: Bearer {TOKEN}\r\n");
            let reply = server.get_with(path, &asked).await;
            assert!(opened(&reply).is_empty(), "{path}: {:?}", opened(&reply));
            assert_eq!(reply.header("vary"), None, "{path}");
            let reply = preflight(&server, PAGE, "GET", path).await;
            assert!(opened(&reply).is_empty() && reply.status >= 400, "{path}: {}", reply.status);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_named_reads_with_a_token() {
    let mut config = config_with_token();
    config.cors_origins = vec![PAGE.parse().unwrap(), "http://localhost:5173".parse().unwrap()];
    let server = Server::start(config).await;
    let allowed = preflight(&server, PAGE, "GET", "/v1/customers").await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, Some(PAGE)));
    assert_eq!(allowed.header("access-control-allow-methods"), Some("GET, HEAD"));
    assert!(
        allowed.header("access-control-allow-headers").is_some_and(|names| names.contains("authorization"))
    );
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    let with = async |origin: &str, more: &str| {
        server.get_with("/v1/customers", &format!("Origin: {origin}\r\n{more}")).await
    };
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let read = with(PAGE, &bearer).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some(PAGE)));
    assert_eq!(read.header("vary"), Some("origin"));
    // The page sees why it may not read.
    let refused = with(PAGE, "").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some(PAGE)));
    for stranger in
        ["https://app.example.com.evil.example", "https://APP.example.com", "null", "http://app.example.com"]
    {
        let reply = with(stranger, &bearer).await;
        assert!(opened(&reply).is_empty(), "{stranger}: {:?}", opened(&reply));
        assert_eq!(reply.header("vary"), Some("origin"), "{stranger}");
        assert!(opened(&preflight(&server, stranger, "GET", "/v1/customers").await).is_empty(), "{stranger}");
    }
    for (method, path) in [("POST", "/v1/customers"), ("GET", "/webhooks/stripe"), ("GET", "/health/live")] {
        let reply = preflight(&server, PAGE, method, path).await;
        assert!(opened(&reply).is_empty() && reply.status >= 400, "{method} {path}: {}", reply.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_token_is_needed_no_page_is_let_in() {
    let mut config = config();
    config.cors_origins = vec![PAGE.parse().unwrap()];
    let server = Server::start(config).await;
    let reply = server.get_with("/v1/customers", &format!("Origin: {PAGE}\r\n")).await;
    assert!(opened(&reply).is_empty(), "{:?}", opened(&reply));
}
