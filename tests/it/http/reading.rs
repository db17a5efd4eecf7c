//! Reading: who may, what is refused, and how answers are kept out of the wrong hands.

use billfold::engine::Billfold;
use billfold::http::{ServeError, serve};
use tokio::net::TcpListener;

use super::wire::{Server, TOKEN, config, config_with_token, customer_event};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_token_only_its_bearer_reads() {
    let server = Server::start(config_with_token()).await;
    for headers in ["", "Authorization: Bearer wrong-wrong-wrong\r\n", "Authorization: Basic abc\r\n"] {
        let reply = server.get_with("/v1/customers", headers).await;
        reply.assert_problem(401, "unauthorized", "");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"billfold\""));
    }
    // Before the token is shown, not even routes can be told apart.
    assert_eq!(server.get("/v1/nothing").await.status, 401);
    let bearer = format!("Authorization: Bearer {TOKEN}\r\nX-Forwarded-For: 1.2.3.4\r\n");
    let reply = server.get_with("/v1/customers", &bearer).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("access-control-allow-origin"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_only_this_machine_reads() {
    let server = Server::start(config()).await;
    assert_eq!(server.get("/v1/customers").await.status, 200);
    let port = server.address.port();
    for host in ["localhost".to_owned(), format!("localhost:{port}"), format!("[::1]:{port}")] {
        let request = format!("GET /v1/customers HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(server.send(request.as_bytes()).await.status, 200, "{host}");
    }
    for (request, said) in [
        ("GET /v1/customers HTTP/1.1\r\nHost: billing.example.com\r\n\r\n", "Host"),
        ("GET /v1/customers HTTP/1.1\r\nHost: localhost.example.com\r\n\r\n", "Host"),
        ("GET /v1/customers HTTP/1.1\r\n\r\n", "Host"),
        ("GET /v1/customers HTTP/1.1\r\nHost: localhost\r\nForwarded: for=1.2.3.4\r\n\r\n", "`forwarded`"),
        (
            "GET /v1/customers HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: a\r\n\r\n",
            "`x-forwarded-host`",
        ),
        ("GET /v1/customers HTTP/1.1\r\nHost: localhost\r\nX-Real-IP: 1.2.3.4\r\n\r\n", "`x-real-ip`"),
        ("GET /v1/customers HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 proxy\r\n\r\n", "`via`"),
        ("GET /v1/customers HTTP/1.0\r\nHost: localhost\r\n\r\n", "HTTP/1.0"),
    ] {
        let document = server.send(request.as_bytes()).await.assert_problem(403, "forbidden", said);
        assert!(document["detail"].as_str().unwrap().contains("BILLFOLD_API_TOKEN"));
    }
}

#[tokio::test]
async fn customers_data_is_not_served_to_the_world() {
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = serve(listener, config(), billfold, std::future::pending()).await.unwrap_err();
    assert!(matches!(refused, ServeError::Exposed(_)));
    assert!(refused.to_string().contains("BILLFOLD_API_TOKEN"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_and_problems_are_those_of_the_library() {
    let server = Server::start(config()).await;
    server.deliver(customer_event("evt_1", "cus_1").as_bytes()).await;
    let list = server.get("/v1/customers?limit=1&status=&x=1").await;
    assert_eq!(list.assert_problem(400, "invalid_parameter", "allowed here")["parameter"], "x");
    let narrowed =
        server.get("/v1/customers?created_from=2023-11-14T22%3A13%3A20%2B00%3A00&livemode=false").await;
    assert_eq!(narrowed.json()["data"][0]["created_rfc3339"], "2023-11-14T22:13:20Z");
    let why = server.get("/v1/objects/cus_1/why?limit=5&livemode=false&account=self").await.json();
    assert_eq!(why["objects"][0]["decides"]["event"], "evt_1");
    assert_eq!(why["objects"][0]["observations"][0]["position"], 1);
    server.get("/v1/objects/cus_2/why").await.assert_problem(404, "not_found", "cus_2");
    server.get("/v1/objects/cus_1/why?status=x").await.assert_problem(400, "invalid_parameter", "limit");
    server.get("/v1/objects/cus_1").await.assert_problem(404, "no_such_route", "objects/{id}/why");
    server.get("/v1/customers/cus_2").await.assert_problem(404, "not_found", "cus_2");
    server.get("/v1/customers/cus%2F%20").await.assert_problem(400, "invalid_id", "printable");
    server.get("/v1/").await.assert_problem(404, "no_such_route", "customers");
    server.get("/v1").await.assert_problem(404, "no_such_route", "customers");
    let access = server.get("/v1/customers/cus_1/access").await.json();
    assert_eq!((&access["granted"], &access["as_of"]), (&false.into(), &1_800_000_000.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_open_and_the_same_as_the_librarys() {
    let server = Server::start(config_with_token()).await;
    let reply = server.get("/openapi.json").await;
    assert_eq!((reply.status, reply.json()), (200, billfold::api::document()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_methods_and_paths_say_what_is_right() {
    let server = Server::start(config()).await;
    let reply = server.get("/webhooks/stripe").await;
    reply.assert_problem(405, "method_not_allowed", "POST");
    assert_eq!(reply.header("allow"), Some("POST"));
    for request in
        ["POST /v1/customers", "DELETE /v1/customers/cus_1", "OPTIONS /v1/stats", "PUT /health/live"]
    {
        let bytes = format!("{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let reply = server.send(bytes.as_bytes()).await;
        reply.assert_problem(405, "method_not_allowed", "GET, HEAD");
        assert_eq!(reply.header("allow"), Some("GET, HEAD"));
    }
    for request in ["POST /", "POST /webhook", "GET /index.html", "OPTIONS *", "GET /v1customers"] {
        let bytes = format!("{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        server.send(bytes.as_bytes()).await.assert_problem(404, "no_such_route", "POST /webhooks/stripe");
    }
    let mut head = server.connect().await;
    head.write(b"HEAD /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    // The length of a body that HEAD does not send is not waited for.
    assert_eq!(head.head().await, 200);
}
