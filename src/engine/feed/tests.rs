//! The feed over whole lives: a function of the log's sequence, whatever the pages, restarts and crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::engine::{Billfold, Options, ScopeFilter};
use crate::feed::PAGE_ENTRIES_MAX;
use crate::lab::Dice;
use crate::lab::check::seed_of;
use crate::lab::delivery::{Order, Plan};
use crate::lab::world::{Life, Setting};
use crate::log::{
    Ack, Body, Encoded, EventLog, Head, Lost, MemoryLog, NewRecord, Position, Provenance, Provider,
    ReadError, Record, RecordId,
};
use crate::model::access::{Days, Policy};
use crate::model::feed::{Entry, Kind};

/// The run of `cargo test`.
const SEED: u64 = 20_260_301;
/// Between two deliveries, in milliseconds: grace and trials run out on the way.
const PACE_MILLIS: i64 = 7 * 3_600_000;

/// A life as it is delivered, each event at its own time.
fn records(number: u64, order: Order) -> Vec<NewRecord> {
    let life = Life::play(seed_of(SEED, number), &Setting::default());
    let plan = Plan::ordered(&life.events, life.seed, order);
    let begin = life.events[0].created.0 * 1_000;
    let arrivals = plan.arrivals.iter().zip(0..);
    arrivals
        .map(|(arrival, number)| {
            let event = &life.events[arrival.event];
            NewRecord {
                provider: Provider::Stripe,
                id: RecordId::Event(event.id.clone()),
                received_at: Millis(begin + number * PACE_MILLIS),
                provenance: Provenance::Imported,
                body: Body(event.body(arrival.pending).into_bytes().into()),
            }
        })
        .collect()
}

/// A log, and a folder for all that is made of it.
struct House {
    log: MemoryLog,
    folder: tempfile::TempDir,
    options: Options,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { log: MemoryLog::new(), options: Options::new(folder.path()), folder }
    }

    /// With this log, but nothing made of it.
    fn of(records: &[NewRecord]) -> Self {
        let house = Self::new();
        house.append(records);
        house
    }

    fn append(&self, records: &[NewRecord]) {
        self.log.append(records.to_vec()).wait().unwrap();
    }

    fn open(&self) -> Billfold {
        Billfold::over(self.options.clone(), Arc::new(self.log.clone())).unwrap()
    }

    fn place(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn feed(&self) -> Vec<Entry> {
        entries(&self.open())
    }
}

fn entries(billfold: &Billfold) -> Vec<Entry> {
    let feed = &billfold.shared.feed;
    let mut found = Vec::new();
    while let next = found.len() as u64 + 1
        && next <= feed.head()
    {
        found.extend(feed.read(next..=next + PAGE_ENTRIES_MAX as u64).unwrap());
    }
    found
}

/// The feed of records that come so many at a time.
fn made_of(records: &[NewRecord], at_once: &mut dyn FnMut() -> usize) -> Vec<Entry> {
    let house = House::new();
    let billfold = house.open();
    let mut rest = records;
    while !rest.is_empty() {
        let (page, behind) = rest.split_at(at_once().clamp(1, rest.len()));
        house.append(page);
        billfold.catch_up().unwrap();
        rest = behind;
    }
    entries(&billfold)
}

/// What holds of every feed, on its own.
#[track_caller]
fn assert_sound(billfold: &Billfold, made: &[Entry]) {
    let mut last: BTreeMap<Subject, Standing> = BTreeMap::new();
    let mut keys = BTreeSet::new();
    let mut before = (0, Millis(i64::MIN));
    for (entry, number) in made.iter().zip(1..) {
        assert_eq!(entry.number, number, "numbers are dense");
        assert!(before <= (entry.position, entry.received_at), "positions never fall");
        before = (entry.position, entry.received_at);
        assert!(keys.insert(entry.idempotency_key()), "{} is used twice", entry.idempotency_key());
        let said = last.insert(entry.subject(), entry.to.clone());
        let said = said.map(|said| said.from(entry.received_at.seconds()));
        assert_eq!(said, entry.from, "{number} begins where the entry of the subject before it ended");
        assert_ne!(entry.from.as_ref(), Some(&entry.to), "{number} tells nothing");
    }
    let checked = billfold.shared.feed.check().unwrap();
    assert_eq!(checked.findings, Vec::<Box<str>>::new());
    assert_eq!((checked.entries, checked.subjects), (made.len() as u64, last.len() as u64));
    assert_true(billfold);
}

/// What was said last of every subject is what the projection says now: comparing all of them finds nothing.
#[track_caller]
fn assert_true(billfold: &Billfold) {
    let head = billfold.shared.feed.head();
    let teller = Teller { reducer: 99, ..billfold.shared.teller() };
    teller.reconcile(&billfold.shared.projection()).unwrap();
    billfold.shared.teller().reconcile(&billfold.shared.projection()).unwrap();
    let made = entries(billfold).split_off(usize::try_from(head).unwrap());
    assert_eq!(made, []);
}

#[test]
fn the_feed_is_the_same_whatever_the_pages() {
    for number in 0..12 {
        let order = Order::ALL[usize::try_from(number).unwrap() % Order::ALL.len()];
        let records = records(number, order);
        let house = House::of(&records);
        let billfold = house.open();
        let whole = entries(&billfold);
        assert_sound(&billfold, &whole);
        assert!(whole.len() > 5);
        let mut dice = Dice::of(SEED, number);
        assert_eq!(made_of(&records, &mut || 1), whole, "one by one, life {number}, {order}");
        assert_eq!(made_of(&records, &mut || 7), whole, "by sevens, life {number}, {order}");
        assert_eq!(made_of(&records, &mut || dice.below(20)), whole, "at random, life {number}, {order}");
    }
}

#[test]
fn every_kind_comes_up() {
    let mut seen: BTreeSet<Kind> = BTreeSet::new();
    for number in 0..60 {
        let order = Order::ALL[usize::try_from(number).unwrap() % Order::ALL.len()];
        seen.extend(House::of(&records(number, order)).feed().iter().map(|entry| entry.kind));
    }
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !seen.contains(kind)).collect();
    // What no life of the lab does.
    let rare = [
        Kind::InvoiceAmountChanged,
        Kind::PaymentMerged,
        Kind::DisputeAmountChanged,
        Kind::RefundAmountChanged,
    ];
    assert!(missing.iter().all(|kind| rare.contains(kind)), "{missing:?}");
}

#[test]
fn folding_anew_is_silent() {
    let records = records(3, Order::Uniform);
    let house = House::of(&records);
    let billfold = house.open();
    let whole = entries(&billfold);
    billfold.rebuild(&|_| ()).unwrap();
    assert_eq!(entries(&billfold), whole);
    drop(billfold);
    std::fs::remove_dir_all(house.place("projection")).unwrap();
    assert_eq!(house.feed(), whole);
    // The very log once more is the very feed.
    std::fs::remove_dir_all(house.place("feed")).unwrap();
    let billfold = house.open();
    assert_eq!(entries(&billfold), whole);
    assert_sound(&billfold, &whole);
}

/// Every pair of states that a crash can leave, older copies of either side included.
#[test]
fn a_crash_between_feed_and_projection_leaves_no_trace() {
    let records = records(5, Order::Uniform);
    let whole = House::of(&records).feed();
    let (early, late) = (records.len() / 3, records.len() * 2 / 3);
    for (feed, projection) in [(early, late), (late, early), (0, late), (late, 0), (early, records.len())] {
        let house = House::new();
        let mut kept = Vec::new();
        let mut appended = 0;
        let mut copies = [(feed, "feed"), (projection, "projection")];
        copies.sort_unstable();
        for (until, name) in copies {
            house.append(&records[appended..until]);
            appended = until;
            drop(house.open());
            let copy = house.place(&format!("kept-{name}"));
            copy_folder(&house.place(name), &copy);
            kept.push((copy, house.place(name)));
        }
        for (copy, place) in kept {
            std::fs::remove_dir_all(&place).unwrap();
            std::fs::rename(copy, place).unwrap();
        }
        let billfold = house.open();
        let prefix = entries(&billfold);
        assert_eq!(prefix, whole[..prefix.len()], "{feed} {projection}");
        house.append(&records[appended..]);
        billfold.catch_up().unwrap();
        let made = entries(&billfold);
        assert_eq!(made, whole, "the feed of {feed} records, a projection of {projection}");
        assert_sound(&billfold, &made);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn another_policy_tells_of_access_once() {
    let records = records(8, Order::Happened);
    let mut house = House::of(&records[..records.len() / 2]);
    let before = house.feed();
    house.options.policy =
        Policy { past_due_grace_days: Days::new(1).unwrap(), ..house.options.policy.clone() };
    house.options.policy.renewal_leeway_days = Days::new(77).unwrap();
    let after = house.feed();
    assert_eq!(after[..before.len()], before);
    let made = &after[before.len()..];
    assert!(!made.is_empty());
    for entry in made {
        assert_eq!((entry.kind.topic(), &entry.cause), (Topic::Access, &Cause::Policy));
    }
    assert_eq!(house.feed(), after, "said once");
    house.append(&records[records.len() / 2..]);
    let billfold = house.open();
    let whole = entries(&billfold);
    assert_sound(&billfold, &whole);
}

#[test]
fn another_version_of_the_fold_tells_of_differences_alone() {
    let records = records(9, Order::Happened);
    let house = House::of(&records);
    let billfold = house.open();
    let before = entries(&billfold);
    // As if the version before had seen some of the subjects otherwise.
    let mut forged = BTreeMap::new();
    for entry in before.iter().rev() {
        let is_other = entry.from.is_some() && !forged.contains_key(&entry.subject());
        if is_other && forged.len() < 5 && entry.kind.topic() != Topic::Trial {
            forged.insert(entry.subject(), entry.from.clone().unwrap());
        }
    }
    assert!(forged.len() > 2);
    billfold.shared.feed.forge(&forged);
    let teller = Teller { reducer: 99, ..billfold.shared.teller() };
    let view = billfold.shared.projection();

    // Killed on the way: some of it was said.
    let made = Made {
        cause: Cause::Rebuild { reducer: 99 },
        position: teller.feed.through().position,
        received_at: teller.feed.through().received_at,
    };
    let (first, _) = forged.first_key_value().unwrap();
    teller
        .page(&view, &made, |telling| {
            telling.object(&ObjectKey {
                kind: ObjectKind::Subscription,
                id: first.object.clone(),
                scope: first.scope.clone(),
            })
        })
        .unwrap();
    teller.reconcile(&view).unwrap();
    teller.reconcile(&view).unwrap();
    let after = entries(&billfold);
    assert_eq!(after[..before.len()], before);
    let told: BTreeSet<Subject> = after[before.len()..].iter().map(Entry::subject).collect();
    assert_eq!(told, forged.keys().cloned().collect());
    for entry in &after[before.len()..] {
        assert_eq!(entry.cause, Cause::Rebuild { reducer: 99 });
        assert_eq!(entry.position, house.log.head().position.get());
        assert!(entry.idempotency_key().starts_with(&format!("rebuild-99-{}:", entry.number)));
    }
    assert_true(&billfold);
}

#[test]
fn readers_with_cursors_miss_nothing_across_restarts() {
    let records = records(11, Order::Uniform);
    let house = House::new();
    let mut got: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
    let mut dice = Dice::new(7);
    for page in records.chunks(5) {
        house.append(page);
        let billfold = house.open();
        for (name, limit) in [("mail", 3), ("seats.v2", 100)] {
            let after = billfold.feed_cursor(name).unwrap().unwrap_or(0);
            let query = FeedQuery { after, limit, ..FeedQuery::default() };
            let page = billfold.feed(&query).unwrap();
            got.entry(name).or_default().extend(page.entries);
            // Killed before the acknowledgement, every third time.
            if dice.below(3) > 0 {
                billfold.acknowledge(name, page.next).unwrap();
            }
        }
    }
    let billfold = house.open();
    let whole = entries(&billfold);
    for (name, mut got) in got {
        let after = billfold.feed_cursor(name).unwrap().unwrap_or(0);
        let rest = usize::try_from(after).unwrap();
        got.extend(whole[rest..].to_vec());
        let once: BTreeMap<u64, Entry> = got.iter().map(|entry| (entry.number, entry.clone())).collect();
        assert_eq!(once.into_values().collect::<Vec<_>>(), whole, "{name}");
        assert!(got.iter().all(|entry| whole[usize::try_from(entry.number).unwrap() - 1] == *entry));
    }
    let lags: Vec<_> = billfold.feed_cursors().unwrap();
    assert!(lags.iter().all(|cursor| cursor.lag == whole.len() as u64 - cursor.after));
    assert_eq!(lags.len(), 2);
    assert!(billfold.remove_feed_cursor("mail").unwrap());
    assert!(!billfold.remove_feed_cursor("mail").unwrap());
    assert!(billfold.acknowledge("mail", whole.len() as u64 + 1).is_err());
}

#[test]
fn filters_leave_out_and_go_on() {
    let house = House::of(&records(2, Order::Happened));
    let billfold = house.open();
    let whole = entries(&billfold);
    let customer = whole.iter().find_map(|entry| entry.customer.clone()).unwrap();
    for query in [
        FeedQuery { kind: Some(Kind::SubscriptionStatusChanged), ..FeedQuery::default() },
        FeedQuery { customer: Some(customer), ..FeedQuery::default() },
        FeedQuery { object: Some(whole[0].object.clone()), ..FeedQuery::default() },
        FeedQuery { scope: ScopeFilter::only(&whole[0].scope), ..FeedQuery::default() },
    ] {
        let (mut found, mut after) = (Vec::new(), 0);
        while after < whole.len() as u64 {
            let page = billfold.feed(&FeedQuery { after, limit: 2, ..query.clone() }).unwrap();
            assert!(page.entries.len() <= 2 && page.next > after);
            after = page.next;
            found.extend(page.entries);
        }
        let wanted: Vec<_> = whole.iter().filter(|entry| query.fits(entry)).cloned().collect();
        assert!(!wanted.is_empty());
        assert_eq!(found, wanted, "{query:?}");
    }
}

#[test]
fn followers_wait_for_what_is_new() {
    let records = records(1, Order::Happened);
    let house = House::new();
    let billfold = house.open();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut follower = billfold.follow(FeedQuery::default());
    let (count, counted) = std::sync::mpsc::channel();
    let entries_of = billfold.follow(FeedQuery::default()).into_entries();
    let reader = std::thread::spawn(move || {
        let count = counted.recv().unwrap();
        entries_of.take(count).map(Result::unwrap).collect::<Vec<_>>()
    });
    let mut got = Vec::new();
    for half in records.chunks(records.len().div_ceil(2)) {
        house.append(half);
        std::thread::scope(|scope| {
            scope.spawn(|| billfold.catch_up().unwrap());
            got.extend(runtime.block_on(follower.next()).unwrap().entries);
        });
    }
    let whole = entries(&billfold);
    count.send(whole.len()).unwrap();
    while got.len() < whole.len() {
        got.extend(runtime.block_on(follower.next()).unwrap().entries);
    }
    assert_eq!(got, whole);
    assert_eq!(reader.join().unwrap(), whole);
    let nothing = runtime.block_on(follower.next_within(std::time::Duration::ZERO)).unwrap();
    let last = whole.len() as u64;
    assert_eq!((nothing.entries, nothing.next, nothing.head), (Vec::new(), last, last));
}

/// An event with as much of its object as the test needs.
fn event(number: i64, event_type: &str, object: &serde_json::Value) -> NewRecord {
    let created = 1_767_225_600 + number;
    let id = format!("evt_{number}");
    let body = serde_json::json!({
        "id": id, "object": "event", "type": event_type, "created": created, "livemode": false,
        "api_version": "2025-03-31.basil", "data": { "object": object },
    });
    NewRecord {
        provider: Provider::Stripe,
        id: RecordId::Event(EventId::parse(&id).unwrap()),
        received_at: Millis(created * 1_000),
        provenance: Provenance::Imported,
        body: Body(body.to_string().into_bytes().into()),
    }
}

fn kinds(made: &[Entry]) -> Vec<(&str, &str)> {
    made.iter().map(|entry| (entry.kind.as_str(), entry.object.as_str())).collect()
}

#[test]
fn what_was_told_as_a_payment_is_said_to_be_part_of_another() {
    use serde_json::json;
    let house = House::of(&[
        event(
            1,
            "refund.created",
            &json!({
                "id": "re_1", "object": "refund", "status": "succeeded", "amount": 5, "currency": "usd", "charge": "ch_1",
            }),
        ),
        event(
            2,
            "charge.succeeded",
            &json!({
                "id": "ch_1", "object": "charge", "status": "succeeded", "amount": 9, "amount_captured": 9, "captured": true,
                "paid": true, "currency": "usd", "customer": "cus_1", "payment_intent": "pi_1",
            }),
        ),
    ]);
    let billfold = house.open();
    let made = entries(&billfold);
    assert_eq!(
        kinds(&made),
        [
            ("refund.status_changed", "re_1"),
            ("payment.status_changed", "ch_1"),
            ("payment.merged", "ch_1"),
            ("payment.status_changed", "pi_1"),
        ]
    );
    assert_eq!(made[2].to, Standing::Merged { merged_into: ObjectId::parse("pi_1").unwrap() });
    assert_sound(&billfold, &made);
}

#[test]
fn late_events_make_no_entry_and_changes_of_amounts_do() {
    use serde_json::json;
    let invoice = |due: i64| {
        json!({
            "id": "in_1", "object": "invoice", "status": "draft", "amount_due": due, "amount_remaining": due,
            "currency": "usd", "customer": "cus_1",
        })
    };
    let house = House::of(&[event(5, "invoice.created", &invoice(100))]);
    let billfold = house.open();
    house.append(&[event(3, "invoice.updated", &invoice(70)), event(9, "invoice.updated", &invoice(80))]);
    billfold.catch_up().unwrap();
    let made = entries(&billfold);
    assert_eq!(kinds(&made), [("invoice.status_changed", "in_1"), ("invoice.amount_changed", "in_1")]);
    let [_, last] = &made[..] else { panic!() };
    assert_eq!((last.position, last.customer.as_ref().map(ObjectId::as_str)), (3, Some("cus_1")));
    assert_eq!(last.idempotency_key(), "evt_9:invoice.amount_changed:in_1");
}

#[test]
fn a_log_of_another_history_is_refused() {
    let house = House::of(&records(1, Order::Happened));
    drop(house.open());
    let other = House { log: MemoryLog::new(), folder: house.folder, options: house.options };
    let ahead = Billfold::over(other.options.clone(), Arc::new(other.log.clone())).unwrap_err();
    assert!(matches!(ahead, crate::engine::OpenError::FeedAhead { .. }), "{ahead}");
    for number in 2..9 {
        other.append(&records(number, Order::Happened));
    }
    let foreign = Billfold::over(other.options.clone(), Arc::new(other.log.clone())).unwrap_err();
    assert!(matches!(foreign, crate::engine::OpenError::FeedForeign { .. }), "{foreign}");
}

/// Whoever pays, or takes back, touches the access of the customer whose latest invoice it was.
#[test]
fn a_payment_that_is_taken_back_revokes_access_where_the_policy_says_so() {
    use crate::model::access::Gate;
    use serde_json::json;
    let subscription = json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "latest_invoice": "in_1",
    });
    let charge = json!({
        "id": "ch_1", "object": "charge", "status": "succeeded", "amount": 9, "amount_captured": 9, "captured": true,
        "paid": true, "currency": "usd", "payment_intent": "pi_1",
    });
    let invoice = json!({
        "id": "in_1", "object": "invoice", "status": "paid", "amount_due": 9, "currency": "usd", "customer": "cus_1",
        "charge": "ch_1", "payment_intent": "pi_1", "subscription": "sub_1",
    });
    let dispute = json!({
        "id": "du_1", "object": "dispute", "status": "lost", "amount": 9, "currency": "usd", "charge": "ch_1",
        "payment_intent": "pi_1",
    });
    let all = [
        event(1, "customer.subscription.created", &subscription),
        event(2, "charge.succeeded", &charge),
        event(3, "invoice.paid", &invoice),
        event(4, "charge.dispute.closed", &dispute),
    ];
    // The dispute last, and the invoice last: then it is what says whose payment it was.
    for order in [[0, 1, 2, 3], [0, 1, 3, 2]] {
        let mut house = House::new();
        house.options.policy.charged_back = Gate::Deny;
        house.append(&order.map(|place: usize| all[place].clone()));
        let billfold = house.open();
        let made = entries(&billfold);
        let revoked = made.iter().find(|entry| entry.kind == Kind::AccessRevoked);
        assert_eq!(revoked.map(|entry| entry.position), Some(4), "{order:?}: {:?}", kinds(&made));
        assert_sound(&billfold, &made);
    }
}

#[test]
fn a_part_of_a_part_is_no_news_to_another_version() {
    use serde_json::json;
    let refund = |charge: Option<&str>| {
        json!({
            "id": "re_1", "object": "refund", "status": "succeeded", "amount": 5, "currency": "usd", "charge": charge,
        })
    };
    let house = House::of(&[
        event(1, "refund.created", &refund(None)),
        event(2, "refund.updated", &refund(Some("ch_1"))),
        event(
            3,
            "charge.succeeded",
            &json!({
                "id": "ch_1", "object": "charge", "status": "succeeded", "amount": 9, "amount_captured": 9, "captured": true,
                "paid": true, "currency": "usd", "customer": "cus_1", "payment_intent": "pi_1",
            }),
        ),
    ]);
    let billfold = house.open();
    let made = entries(&billfold);
    let merged: Vec<_> = made.iter().filter(|entry| entry.kind == Kind::PaymentMerged).collect();
    assert_eq!(merged.iter().map(|entry| entry.object.as_str()).collect::<Vec<_>>(), ["re_1", "ch_1"]);
    // Comparing everything finds nothing.
    assert_sound(&billfold, &made);
}

/// A log that a repair could not save one record of.
struct Repaired {
    log: MemoryLog,
    lost: Position,
}

impl EventLog for Repaired {
    fn append(&self, records: Vec<NewRecord>) -> Ack {
        self.log.append(records)
    }

    fn read_encoded(&self, after: Position, max: usize) -> Result<Vec<Encoded>, ReadError> {
        let mut page = self.log.read_encoded(after, max)?;
        page.retain(|record| record.position() != self.lost);
        Ok(page)
    }

    fn find(&self, provider: Provider, id: &RecordId) -> Result<Option<Record>, ReadError> {
        Ok(self.log.find(provider, id)?.filter(|record| record.position != self.lost))
    }

    fn head(&self) -> Head {
        self.log.head()
    }

    fn lost(&self) -> Vec<Lost> {
        let lost = self.lost.get();
        vec![Lost { after: Position::new(lost - 1), next: Position::new(lost + 1) }]
    }

    fn poisoned(&self) -> Option<Arc<str>> {
        None
    }
}

#[test]
fn a_feed_that_was_made_through_a_lost_record_goes_on_behind_it() {
    let records = records(4, Order::Happened);
    let house = House::new();
    house.append(&records[..9]);
    let before = house.feed();
    house.append(&records[9..]);
    let log = Repaired { log: house.log.clone(), lost: Position::new(9) };
    let billfold = Billfold::over(house.options.clone(), Arc::new(log)).unwrap();
    assert_eq!(billfold.shared.feed.through().position, house.log.head().position.get());
    let made = entries(&billfold);
    assert_eq!(made[..before.len()], before);
    assert!(made.len() > before.len());
}
