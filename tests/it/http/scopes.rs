//! Tokens with scopes: what each may ask, by the table of routes.

use std::collections::BTreeSet;

use billfold::api::{Answer, TABLE, TokenScope};
use billfold::http::{NamedToken, Token, TokenFile, TokenList};
use billfold::model::time::Seconds;

use super::wire::{Server, config};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_route_asks_for_its_scope_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let mut list = TokenList::default();
    for scope in TokenScope::ALL {
        let token = Token::new(&format!("{}-0123456789abcdef", scope.as_str())).unwrap();
        list.add(scope.as_str(), NamedToken::new(token, BTreeSet::from([scope]), Seconds(0))).unwrap();
    }
    std::fs::write(&path, list.to_text()).unwrap();
    let mut config = config();
    config.tokens = Some(TokenFile::new(&path));
    let server = Server::start(config).await;
    for row in TABLE.iter().filter(|row| row.scope.is_some()) {
        let path = row.path.replace("{collection}", "customers").replace("{id}", "x_1");
        let ask = async |bearer: &str| {
            let verb = row.verb.as_str();
            let head = format!("{verb} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{bearer}\r\n");
            server.send(head.as_bytes()).await
        };
        ask("").await.assert_problem(401, "unauthorized", "Bearer");
        for scope in TokenScope::ALL {
            let reply = ask(&format!("Authorization: Bearer {}-0123456789abcdef\r\n", scope.as_str())).await;
            if row.scope == Some(scope) {
                assert!([200, 202, 400, 404, 409].contains(&reply.status), "{path}: {}", reply.status);
            } else {
                let needed = row.scope.unwrap().as_str();
                let document = reply.assert_problem(403, "insufficient_scope", needed);
                assert_eq!(document["scope"], needed);
                let challenge = reply.header("www-authenticate").unwrap();
                assert!(challenge.contains("insufficient_scope"), "{challenge}");
            }
        }
    }
    // What is open stays open, whoever asks.
    for row in TABLE.iter().filter(|row| row.scope.is_none() && row.answer != Answer::Json("Receipt")) {
        assert_eq!(server.get(row.path).await.status, 200, "{}", row.path);
    }
}
