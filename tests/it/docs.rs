//! The parts of `docs/` that are made from code: compared here, written anew with `BILLFOLD_BLESS=1`.

use std::fmt::Write as _;
use std::path::Path;

use billfold::api::{COLLECTIONS, ProblemKind, TABLE, TokenScope};
use billfold::engine::{Billfold, FoldOutcome, ScopeFilter};
use billfold::model::access::Reason;
use billfold::model::derived::payment::PaymentStatus;
use billfold::model::event_type::{EventType, Role};
use billfold::model::feed::Kind;
use billfold::model::id::ObjectId;
use billfold::model::kind::ObjectKind;
use billfold::model::register::{Decision, Doubt};
use billfold::stripe::decode::{Decoded, Ignored, decode};
use billfold::stripe::envelope::Envelope;
use billfold::stripe::signature::SignatureError;
use billfold::stripe::types::{self, Era, KnownType, NEEDED};
use serde_json::json;

use crate::support::ingest;

/// Compares a file with what the code says, or writes it.
#[track_caller]
pub(crate) fn check(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BILLFOLD_BLESS").is_some() {
        std::fs::write(&file, expected).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} is not what the code says: run the tests once with BILLFOLD_BLESS=1");
}

/// What the decoder does with a type, asked with the smallest body of it.
fn fate(known: &KnownType) -> String {
    let body = match known.era {
        Era::Thin => json!({
            "id": "evt_1", "object": "v2.core.event", "type": known.name, "created": "2026-01-01T00:00:00.000Z",
            "livemode": false,
        }),
        _ => json!({
            "id": "evt_1", "object": "event", "type": known.name, "created": 1, "livemode": false,
            "api_version": null, "pending_webhooks": 0, "request": null,
            "data": { "object": { "object": known.object } },
        }),
    };
    let body = body.to_string();
    let envelope = Envelope::parse(body.as_bytes()).unwrap();
    match decode(&envelope) {
        Decoded::Ignored(Ignored::Thin) => "thin: stored, counted".to_owned(),
        Decoded::Ignored(Ignored::Preview) => "preview: stored, counted".to_owned(),
        Decoded::Ignored(Ignored::NotFolded) => "stored, counted".to_owned(),
        Decoded::Ignored(why) => panic!("{}: {why:?} is not for a known type", known.name),
        Decoded::Observed(_) | Decoded::Unreadable(_) => {
            let folded = EventType::parse(known.name).unwrap();
            let role = match folded.role() {
                Role::Created => "first state",
                Role::Changed => "change",
                Role::Informational => "reminder",
                Role::Deleted => "end",
                other => panic!("name the role {other:?}"),
            };
            format!("**folded**: {role}, rank {}", folded.rank())
        }
    }
}

#[test]
fn the_table_of_events_is_what_the_code_does() {
    let mut page = String::from(
        "<!-- Made from code by tests/it/docs.rs: change the code, then run the tests once with BILLFOLD_BLESS=1. -->\n\
         # Every event type, and what is done with it\n\n\
         Every authentic event is stored and answered with 200, whatever its type.\n\
         *Folded* events move a projection; their object is a `kind` in the API.\n\
         The rank orders types of one object inside one second, low to high, when nothing stronger decides\n\
         ([ordering.md](ordering.md)).\n\
         A *reminder* repeats the state at its moment and never decides it alone.\n\
         A *preview* speaks of an object that does not exist yet.\n\
         A *thin* event names its object without its content: ask for snapshots ([setup.md](setup.md)).\n\
         *Retired* types are no longer sent; old logs may hold them.\n\
         A type that is not listed is stored and counted as `unknown_type`; `billfold refold --unreadable` folds it once a\n\
         later version knows it.\n\n",
    );
    let folded = EventType::all().count();
    let all = types::ALL.len();
    let _ = writeln!(page, "{all} known types, {folded} of them folded.\n");
    let _ = writeln!(page, "| type | carries | what is done |\n|---|---|---|");
    for known in types::ALL {
        let objects = known.object.replace('|', "`, `");
        let retired = if known.era == Era::Retired { " (retired)" } else { "" };
        let _ = writeln!(page, "| `{}` | `{objects}` | {}{retired} |", known.name, fate(known));
    }
    check("docs/events.md", &page);
}

/// The routes of docs/api.md are those of the router.
#[test]
fn the_table_of_routes_is_the_routers() {
    const BEGIN: &str = "<!-- Made from code by tests/it/docs.rs: change the code, then run the tests once with BILLFOLD_BLESS=1. -->\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
    let page = std::fs::read_to_string(file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let mut table = String::from("| route | scope | is |\n|---|---|---|\n");
    for row in TABLE {
        let scope = row.scope.map_or("–", TokenScope::as_str);
        let _ = writeln!(table, "| `{} {}` | {scope} | {} |", row.verb.as_str(), row.path, row.is);
    }
    check("docs/api.md", &format!("{before}{BEGIN}{table}\n{after}"));
}

#[test]
fn setup_names_the_types_to_enable() {
    assert!(NEEDED.is_sorted());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/setup.md");
    let setup = std::fs::read_to_string(file).unwrap();
    for name in NEEDED {
        assert!(EventType::parse(name).is_some(), "{name} is not folded");
    }
    let needed = section(&setup, "needed");
    let more = section(&setup, "useful");
    assert_eq!(needed, NEEDED, "the needed types in docs/setup.md");
    let mut both = [needed, more].concat();
    both.sort_unstable();
    let mut all: Vec<_> = EventType::all().map(EventType::name).collect();
    all.sort_unstable();
    assert_eq!(both, all, "docs/setup.md has to name every folded type once");
}

/// The lines of the fenced block that begins with ```` ```text NAME ````.
fn section<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let (_, rest) =
        page.split_once(&format!("```text {name}\n")).unwrap_or_else(|| panic!("no block {name}"));
    rest.split_once("```").unwrap().0.split_whitespace().collect()
}

/// A link that leads nowhere helps nobody.
#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec!["README.md".into(), "CONTRIBUTING.md".into(), "CHANGELOG.md".into()];
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let page = Path::new("docs").join(entry.unwrap().file_name());
        // Patterns in the OpenAPI document look like links.
        if page.extension().is_some_and(|extension| extension == "md") {
            pages.push(page);
        }
    }
    for page in pages {
        let text = std::fs::read_to_string(root.join(&page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let place = root.join(&page).parent().unwrap().join(target);
            assert!(place.exists(), "{}: {link} leads nowhere", page.display());
        }
    }
}

/// What a program may meet has to be looked up somewhere.
#[track_caller]
fn check_named<'a>(page: &str, words: impl IntoIterator<Item = &'a str>) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let missing: Vec<_> = words.into_iter().filter(|word| !text.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "{page} does not name {missing:?}");
}

#[test]
fn every_word_of_the_answers_is_explained() {
    check_named("docs/api.md", COLLECTIONS.iter().map(|(word, _)| *word));
    check_named("docs/api.md", PaymentStatus::ALL.iter().map(|status| status.as_str()));
    check_named("docs/api.md", Reason::ALL.iter().map(|reason| reason.as_str()));
    check_named("docs/api.md", FoldOutcome::ALL.iter().map(|outcome| outcome.as_str()));
    check_named("docs/api.md", Doubt::ALL.iter().map(|doubt| doubt.as_str()));
    check_named("docs/feed.md", Kind::ALL.iter().map(|kind| kind.as_str()));
    check_named("docs/api.md", Decision::ALL.iter().map(|decision| decision.as_str()));
    check_named("docs/ordering.md", Decision::ALL.iter().map(|decision| decision.as_str()));
    check_named("docs/troubleshooting.md", SignatureError::REASONS.iter().copied());
    check_named("docs/troubleshooting.md", ProblemKind::ALL.iter().map(|kind| kind.as_str()));
    check_named("docs/troubleshooting.md", ["body_broken", "body_too_large", "body_too_slow", "no_room"]);
}

/// What `why` says of the worked example is what it says in its own tests.
#[test]
fn ordering_shows_what_why_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/ordering.md")).unwrap();
    let (_, shown) = page.split_once("```text why\n").unwrap();
    let told = std::fs::read_to_string(root.join("tests/fixtures/why/walk.txt")).unwrap();
    assert_eq!(shown.split_once("```").unwrap().0, told);
}

/// The worked example of docs/ordering.md: three updates in one second, in all six orders.
#[test]
fn the_worked_example_of_ordering_is_true() {
    let update = |id: &str, from: &str, to: &str| {
        json!({
            "id": id, "object": "event", "type": "customer.subscription.updated", "created": 1_767_225_600,
            "livemode": false,
            "data": {
                "object": { "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": to },
                "previous_attributes": { "status": from },
            },
        })
        .to_string()
    };
    let events = [
        update("evt_1", "trialing", "active"),
        update("evt_2", "past_due", "active"),
        update("evt_3", "active", "past_due"),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let folder = tempfile::tempdir().unwrap();
        let billfold = Billfold::open(folder.path()).unwrap();
        for place in order {
            ingest(&billfold, &events[place..=place]);
        }
        let id = ObjectId::parse("sub_1").unwrap();
        let found = billfold.object(ObjectKind::Subscription, &id, &ScopeFilter::default()).unwrap().unwrap();
        assert_eq!(found.object.status(), Some("active"), "{order:?}");
        assert_eq!(found.object.now.decided_by, Decision::Walk, "{order:?}");
        assert!(!found.object.ambiguous(), "{order:?}");
    }
}

#[test]
fn the_changes_name_the_versions_that_are_written() {
    let changes = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CHANGELOG.md")).unwrap();
    let reducer = format!("(reducer {})", billfold::projection::REDUCER_VERSION);
    assert!(changes.contains(&reducer), "{reducer} is not in CHANGELOG.md");
}
