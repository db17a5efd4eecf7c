use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::*;
use crate::model::access::{Days, Policy, Reason, Verdict};
use crate::model::derived::payment::PaymentStatus;
use crate::model::feed::{
    AccessStanding, AmountStanding, Cause, EntitlementsStanding, Grant, InvoiceStanding, PaymentStanding,
    PlanItem, SubscriptionStanding, Topic,
};
use crate::model::id::{AccountId, EventId, ObjectId, Scope};
use crate::model::money::Currency;
use crate::model::subscription::SubscriptionStatus;
use crate::model::time::Seconds;

fn id(text: &str) -> ObjectId {
    ObjectId::parse(text).unwrap()
}

fn subject(topic: Topic, object: &str) -> Subject {
    Subject {
        scope: Scope { account: AccountId::parse("acct_1").ok(), livemode: true },
        topic,
        object: id(object),
    }
}

fn maker() -> Maker {
    Maker { reducer: 4, policy: [7; 32] }
}

fn made(position: u64) -> Made {
    let event = EventId::parse(&format!("evt_{position}")).unwrap();
    let cause = match position {
        3 => Cause::Rebuild { reducer: 5 },
        4 => Cause::Policy,
        _ => Cause::Event { event, event_type: "invoice.paid".into() },
    };
    Made { cause, position, received_at: Millis(1_767_225_600_123 + i64::try_from(position).unwrap()) }
}

fn amount(status: Option<&str>) -> AmountStanding {
    AmountStanding { status: status.map(Into::into), currency: Some(Currency::new("usd")), amount: -5 }
}

/// One of everything that is ever said.
fn standings() -> Vec<(Subject, Standing)> {
    let grant = |decision, reason, subscription| Grant { decision, reason, subscription };
    vec![
        (
            subject(Topic::Subscription, "sub_1"),
            Standing::Subscription(SubscriptionStanding {
                status: SubscriptionStatus::from("a_new_word"),
                items: vec![
                    PlanItem { price: None, quantity: None },
                    PlanItem { price: Some(id("price_1")), quantity: Some(1 << 40) },
                ],
                cancel_scheduled: true,
                cancel_at: Some(Seconds(1_800_000_000)),
            }),
        ),
        (subject(Topic::Trial, "sub_1"), Standing::Trial { trial_end: Some(Seconds(1_790_000_000)) }),
        (
            subject(Topic::Invoice, "in_1"),
            Standing::Invoice(InvoiceStanding {
                status: None,
                currency: None,
                amount_due: 1,
                amount_paid: 2,
                amount_remaining: 3,
            }),
        ),
        (
            subject(Topic::Payment, "ch_1"),
            Standing::Payment(PaymentStanding {
                status: PaymentStatus::PartiallyRefunded,
                currency: Some(Currency::new("jpy")),
                amount: 1,
                amount_captured: 2,
                amount_refunded: 3,
                amount_disputed: 4,
            }),
        ),
        (subject(Topic::Payment, "ch_1"), Standing::Merged { merged_into: id("pi_1") }),
        (subject(Topic::Refund, "re_1"), Standing::Refund(amount(Some("pending")))),
        (subject(Topic::Dispute, "du_1"), Standing::Dispute(amount(None))),
        (
            subject(Topic::Entitlements, "cus_1"),
            Standing::Entitlements(EntitlementsStanding {
                features: vec!["a".into(), "b".into()],
                truncated: true,
            }),
        ),
        (
            subject(Topic::Access, "cus_1"),
            Standing::Access(AccessStanding {
                now: grant(Verdict::Grace, Reason::PastDue, Some(id("sub_1"))),
                then: vec![(
                    Seconds(1_767_300_000),
                    grant(Verdict::Denied, Reason::PastDueGraceOver, Some(id("sub_1"))),
                )],
            }),
        ),
    ]
}

/// Says everything, one thing a page.
fn fill(feed: &Feed) {
    for ((subject, standing), position) in standings().into_iter().zip(1..) {
        let mut draft = feed.draft();
        let customer = id("cus_1");
        draft.tell(&subject, &standing, &made(position), Some(&customer), position == 2).unwrap();
        let through = Through { position, digest: [9; 32], received_at: made(position).received_at };
        draft.publish(through, maker()).unwrap();
    }
    feed.acknowledge("mail", 3).unwrap();
}

fn open(folder: &Path) -> Feed {
    Feed::open(folder, 1 << 20, maker()).unwrap()
}

#[track_caller]
fn assert_filled(feed: &Feed) {
    let all = standings();
    // A subscription that is to end when it is first seen is told in two.
    assert_eq!(feed.head(), all.len() as u64 + 1);
    let entries = feed.read(1..=100).unwrap();
    for ((subject, standing), (entry, position)) in all.iter().zip(entries[1..].iter().zip(1..)) {
        assert_eq!((&entry.subject(), &entry.to), (subject, standing));
        let made = made(position);
        let told = (entry.position, entry.received_at, &entry.cause, entry.ambiguous);
        assert_eq!(told, (position, made.received_at, &made.cause, position == 2));
        assert_eq!(entry.customer, Some(id("cus_1")));
    }
    assert_eq!(entries[1].from, Some(entries[0].to.clone()));
    assert_eq!(feed.through().position, all.len() as u64);
    assert_eq!((feed.through().digest, feed.maker()), ([9; 32], maker()));
    assert_eq!(feed.cursor("mail").unwrap(), Some(3));
    assert!(feed.check().unwrap().findings.is_empty());
}

#[test]
fn what_is_said_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("feed");
    let feed = open(&place);
    fill(&feed);
    assert_filled(&feed);
    drop(feed);
    assert_filled(&open(&place));
    assert_eq!(std::fs::metadata(place).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn nothing_is_said_that_is_known_and_nothing_of_a_page_that_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path());
    fill(&feed);
    let (subject, standing) = standings().swap_remove(5);
    let mut draft = feed.draft();
    draft.tell(&subject, &standing, &made(90), None, false).unwrap();
    assert!(draft.is_empty());
    let mut other = standing.clone();
    if let Standing::Refund(refund) = &mut other {
        refund.amount = 7;
    }
    draft.tell(&subject, &other, &made(90), None, false).unwrap();
    draft.tell(&subject, &standing, &made(91), None, false).unwrap();
    draft.tell(&subject, &standing, &made(92), None, false).unwrap();
    assert_eq!(draft.len(), 2, "there and back, in one page");
    drop(draft);
    assert_filled(&feed);
}

#[test]
fn two_processes_do_not_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let _feed = open(folder.path());
    let second = Feed::open(folder.path(), 1 << 20, maker()).unwrap_err();
    assert!(matches!(second, FeedError::Locked { .. }), "{second}");
}

#[test]
fn names_and_numbers_of_cursors_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path());
    fill(&feed);
    for name in ["", "a b", "a/b", "ü", &"x".repeat(CURSOR_NAME_BYTES_MAX + 1)] {
        assert!(matches!(feed.acknowledge(name, 1), Err(FeedError::CursorName)), "{name}");
    }
    assert!(matches!(feed.acknowledge("mail", 99), Err(FeedError::Ahead { number: 99, head: 10 })));
    for number in 1..CURSORS_MAX {
        feed.store.put_cursor(&format!("c{number}"), 1).unwrap();
    }
    assert!(matches!(feed.acknowledge("one-more", 1), Err(FeedError::TooManyCursors)));
    feed.acknowledge("mail", 2).unwrap();
    assert!(feed.remove_cursor("c1").unwrap());
    feed.acknowledge("one-more", 1).unwrap();
}

/// Damage is found, and says what to do about it.
#[test]
fn rotten_rows_are_told() {
    let change = |key: Vec<u8>, at: usize| {
        let folder = tempfile::tempdir().unwrap();
        let feed = open(folder.path());
        fill(&feed);
        let mut row = feed.store.raw(&key).unwrap();
        row[at] ^= 1;
        feed.store.put_raw(&key, &row);
        (folder, feed)
    };
    let (_folder, feed) = change(keys::entry(4).to_vec(), 9);
    let error = feed.read(1..=9).unwrap_err();
    assert!(error.to_string().contains("move the folder aside"), "{error}");
    assert_eq!(feed.check().unwrap().findings.len(), 2, "the entry, and what was said last of its subject");
    let (_folder, feed) = change(keys::latest(&subject(Topic::Invoice, "in_1")), 3);
    assert!(!feed.check().unwrap().findings.is_empty());
    let (folder, feed) = change(keys::META.to_vec(), 3);
    drop(feed);
    let error = Feed::open(folder.path(), 1 << 20, maker()).unwrap_err();
    assert!(matches!(error, FeedError::Damaged { .. }), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path());
    fill(&feed);
    feed.store.remove_raw(&keys::entry(4));
    assert!(feed.read(1..=9).is_err(), "a hole is no end");
    assert_eq!(feed.check().unwrap().findings.len(), 2, "the entry, and what was said last of its subject");
    feed.store.remove_raw(&keys::entry(10));
    drop(feed);
    let error = Feed::open(folder.path(), 1 << 20, maker()).unwrap_err();
    assert!(matches!(error, FeedError::Damaged { .. }), "{error}");
}

#[test]
fn a_newer_row_asks_for_a_newer_binary() {
    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path());
    fill(&feed);
    let mut row = feed.store.raw(&keys::entry(1)).unwrap();
    let end = row.len() - 4;
    row[0] = codec::FORMAT_VERSION + 1;
    let crc = crc32fast::hash(&row[..end]);
    row[end..].copy_from_slice(&crc.to_le_bytes());
    feed.store.put_raw(&keys::entry(1), &row);
    assert!(matches!(feed.read(1..=1), Err(FeedError::NewerFormat { .. })));
}

#[test]
fn a_policy_is_told_from_another() {
    let policy = Policy::default();
    let other = Policy { past_due_grace_days: Days::new(99).unwrap(), ..policy.clone() };
    assert_eq!(Maker::new(1, &policy), Maker::new(1, &policy.clone()));
    assert_ne!(Maker::new(1, &policy), Maker::new(1, &other));
}

fn fixture(version: u8) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/feed-format-{version}"))
}

/// A folder that a released format left behind. sled's file is compressed with zstd, because most of it is empty.
#[test]
fn format_1_is_read_forever() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture(1)).unwrap() {
        let from = entry.unwrap().path();
        let to = folder.path().join(from.file_stem().unwrap());
        if from.extension().is_some_and(|extension| extension == "zst") {
            let frozen = std::fs::File::open(from).unwrap();
            zstd::stream::copy_decode(frozen, std::fs::File::create(to).unwrap()).unwrap();
        } else {
            std::fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
        }
    }
    let feed = open(folder.path());
    assert_filled(&feed);
}

/// Writes the folder of the current format. Run once for a release.
#[test]
#[ignore = "writes a fixture"]
fn freeze() {
    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path());
    fill(&feed);
    drop(feed);
    let to = fixture(codec::FORMAT_VERSION);
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let from = entry.unwrap().path();
        let name = from.file_name().unwrap().to_str().unwrap();
        if name == "db" {
            let frozen = std::fs::File::create_new(to.join("db.zst")).unwrap();
            zstd::stream::copy_encode(std::fs::File::open(&from).unwrap(), frozen, 19).unwrap();
        } else if from.is_file() {
            std::fs::copy(&from, to.join(name)).unwrap();
        }
    }
}

#[test]
fn what_a_killed_process_left_half_made_harms_nobody() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("feed");
    // A first start that was broken off lies beside the feed's place.
    let beside = place.path().join("feed.new");
    std::fs::create_dir(&beside).unwrap();
    std::fs::write(beside.join("conf"), b"half").unwrap();
    drop(open(&folder));
    assert!(!beside.exists());
    // A later one may leave half of a snapshot.
    let snapshot = folder.join("snap.00000000000FFFFF.generating");
    std::fs::write(&snapshot, b"half").unwrap();
    drop(open(&folder));
    assert!(!snapshot.exists());
}

#[test]
fn a_copy_is_the_feed_and_half_of_one_is_none() {
    let place = tempfile::tempdir().unwrap();
    let original = open(&place.path().join("feed"));
    fill(&original);
    let there = place.path().join("copy");
    let snapshot = original.snapshot().unwrap();
    assert_eq!(FeedSnapshot::from_bytes(&snapshot.to_bytes().unwrap()), Some(snapshot.clone()));
    assert_eq!(FeedSnapshot::from_bytes(b"something else"), None);
    let copy = FeedCopy::open(&there, 1 << 20).unwrap();
    assert_eq!(copy.take(&original.packed(0).unwrap(), 4).unwrap(), 4);
    assert!(matches!(copy.finish(&snapshot), Err(FeedError::Unfinished { .. })));
    drop(copy);
    let half = Feed::open(&there, 1 << 20, maker()).unwrap_err();
    assert!(matches!(half, FeedError::Unfinished { .. }), "{half}");

    let copy = FeedCopy::open(&there, 1 << 20).unwrap();
    assert!(copy.continues(&original.packed(3).unwrap()).unwrap());
    assert!(copy.take(&original.packed(5).unwrap(), 100).is_err(), "one is left out");
    let page = original.packed(4).unwrap();
    assert!(copy.take(&page[..page.len() - 1], 100).is_err(), "half a page");
    assert_eq!(copy.take(&page, 100).unwrap(), 6);
    copy.finish(&snapshot).unwrap();
    drop(copy);
    assert_filled(&open(&there));

    // Incremental, and a cursor that is gone.
    original.remove_cursor("mail").unwrap();
    let (subject, _) = standings().swap_remove(5);
    let mut draft = original.draft();
    draft.tell(&subject, &Standing::Refund(amount(Some("failed"))), &made(90), None, false).unwrap();
    draft.publish(Through { position: 90, ..original.through() }, maker()).unwrap();
    let copy = FeedCopy::open(&there, 1 << 20).unwrap();
    assert!(copy.continues(&original.packed(9).unwrap()).unwrap());
    copy.take(&original.packed(10).unwrap(), 11).unwrap();
    copy.finish(&original.snapshot().unwrap()).unwrap();
    drop(copy);
    let copied = open(&there);
    assert_eq!(copied.read(1..=100).unwrap(), original.read(1..=100).unwrap());
    assert_eq!((copied.through(), copied.cursors().unwrap()), (original.through(), Vec::new()));
    assert!(copied.check().unwrap().findings.is_empty());
    drop(copied);

    // Another feed with as many entries is another feed.
    let other = open(&place.path().join("other"));
    fill(&other);
    let mut draft = other.draft();
    draft.tell(&subject, &Standing::Refund(amount(Some("canceled"))), &made(90), None, false).unwrap();
    draft.publish(Through { position: 90, ..original.through() }, maker()).unwrap();
    let copy = FeedCopy::open(&there, 1 << 20).unwrap();
    assert!(!copy.continues(&other.packed(10).unwrap()).unwrap());
}

/// sled could use a segment again whose contents it has moved since the last sync.
#[test]
fn many_entries_are_synced_even_if_nobody_reads_them() {
    let place = tempfile::tempdir().unwrap();
    let feed = open(&place.path().join("feed"));
    let mut unsynced = 0;
    for page in 1..=5 {
        let mut draft = feed.draft();
        for object in 0..1_000 {
            let subject = subject(Topic::Refund, &format!("re_{page}_{object}"));
            draft
                .tell(&subject, &Standing::Refund(amount(Some("succeeded"))), &made(page), None, false)
                .unwrap();
        }
        let through = Through { position: page, digest: [1; 32], received_at: Millis(0) };
        draft.publish(through, maker()).unwrap();
        unsynced = feed.head() - feed.durable.load(Ordering::Acquire);
        assert!(unsynced < 5_000, "page {page}");
    }
    assert_eq!(unsynced, 0, "the fifth page was synced with those before it");

    // Whoever copies them makes no more either.
    let copy = FeedCopy::open(&place.path().join("copy"), 1 << 20).unwrap();
    while copy.head() < feed.head() {
        copy.take(&feed.packed(copy.head()).unwrap(), feed.head()).unwrap();
    }
    assert_eq!(copy.0.durable.load(Ordering::Acquire), 5_000);
}

/// A page says how far the feed is made, and moves what is old, even if it tells nothing.
#[test]
fn many_pages_without_entries_are_synced() {
    let place = tempfile::tempdir().unwrap();
    let feed = open(&place.path().join("feed"));
    for position in 1..5_000 {
        let mut draft = feed.draft();
        if position == 1 {
            let standing = Standing::Refund(amount(Some("succeeded")));
            draft.tell(&subject(Topic::Refund, "re_1"), &standing, &made(1), None, false).unwrap();
        }
        draft.publish(Through { position, ..Through::START }, maker()).unwrap();
    }
    assert_eq!(feed.durable.load(Ordering::Acquire), 1);
}
