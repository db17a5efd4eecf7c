use super::*;

fn named(token: &str, scopes: &[TokenScope]) -> NamedToken {
    NamedToken::new(Token::new(token).unwrap(), scopes.iter().copied().collect(), Seconds(1_767_225_600))
}

fn list(names: &[&str]) -> TokenList {
    let mut list = TokenList::default();
    for name in names {
        list.add(name, named(&format!("{name}-0123456789abcdef"), &[TokenScope::Read])).unwrap();
    }
    list
}

fn names(list: &TokenList) -> Vec<String> {
    list.iter().map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn what_is_written_is_read_and_holds_no_token() {
    let mut list = list(&["ci"]);
    list.add("all", named("all-0123456789abcdef", &TokenScope::ALL)).unwrap();
    let text = list.to_text();
    assert!(!text.contains("0123456789abcdef"), "{text}");
    let read = TokenList::parse(&text).unwrap();
    assert_eq!(names(&read), ["all", "ci"]);
    for (name, token) in read.iter() {
        assert!(token.matches(format!("{name}-0123456789abcdef").as_bytes()), "{name}");
        assert!(!token.matches(b"0123456789abcdef"), "{name}");
        assert_eq!(token.created, Seconds(1_767_225_600));
    }
    let all = read.iter().next().unwrap().1;
    assert_eq!(all.scopes.iter().copied().collect::<Vec<_>>(), TokenScope::ALL);
}

#[track_caller]
fn check_name(name: &str, said: &str) {
    let refused = list(&["ci"]).add(name, named("0123456789abcdef", &[TokenScope::Read])).unwrap_err();
    assert!(refused.to_string().contains(said), "{refused}");
}

#[test]
fn a_token_has_a_name_of_its_own_and_a_scope() {
    check_name("", "1 to 64");
    check_name("a b", "1 to 64");
    check_name("ü", "1 to 64");
    check_name(&"x".repeat(65), "1 to 64");
    check_name("ci", "already");
    let refused = list(&[]).add("x", named("0123456789abcdef", &[])).unwrap_err();
    assert!(refused.to_string().contains("no scope"), "{refused}");
    let mut full = list(&[]);
    for number in 0..TOKENS_MAX {
        full.add(&format!("t{number}"), named("0123456789abcdef", &[TokenScope::Read])).unwrap();
    }
    let refused = full.add("more", named("0123456789abcdef", &[TokenScope::Read])).unwrap_err();
    assert!(refused.to_string().contains("100 tokens"), "{refused}");
}

#[track_caller]
fn check_text(text: &str, said: &str) {
    let refused = TokenList::parse(text).unwrap_err().to_string();
    assert!(refused.contains(said), "{refused}");
}

#[test]
fn a_file_that_does_not_fit_is_refused() {
    check_text("", "no JSON");
    check_text("{}", "no list");
    check_text(r#"{"tokens":[{"name":"ci"}]}"#, "\"ci\"");
    let hash = "00".repeat(32);
    check_text(
        &format!(r#"{{"tokens":[{{"name":"ci","scopes":["root"],"created":1,"sha256":"{hash}"}}]}}"#),
        "read, feed, admin",
    );
    check_text(
        &format!(r#"{{"tokens":[{{"name":"ci","scopes":[],"created":1,"sha256":"{hash}"}}]}}"#),
        "no scope",
    );
    check_text(r#"{"tokens":[{"name":"ci","scopes":["read"],"created":1,"sha256":"00"}]}"#, "64 hex digits");
}

#[test]
fn a_changed_file_is_read_anew_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    // Put in its place as a whole, as the command line does.
    let put = |text: &str| {
        let draft = folder.path().join("draft");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(&draft, &path).unwrap();
    };
    let file = TokenFile::new(&path);
    let current = || file.current().map(|tokens| names(&tokens));
    assert_eq!(current(), None);
    put(&list(&["a", "b"]).to_text());
    assert_eq!(current(), Some(vec!["a".to_owned(), "b".to_owned()]));
    put("no JSON");
    assert_eq!(current(), Some(vec!["a".to_owned(), "b".to_owned()]));
    let refused = file.load().unwrap_err();
    assert!(refused.to_string().contains("tokens.json"), "{refused}");
    assert_eq!(current(), Some(vec!["a".to_owned(), "b".to_owned()]));
    put(&list(&["b"]).to_text());
    assert_eq!(current(), Some(vec!["b".to_owned()]));
    put(&list(&[]).to_text());
    assert_eq!(current(), Some(vec![]), "an empty file is no missing one");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(current(), None);
}
