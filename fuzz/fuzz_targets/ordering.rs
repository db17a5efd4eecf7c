//! Any set of observations of one object, in two orders with duplicates: the same object, byte for byte, which is also the
//! fold of the whole set at once, and the join of two parts. Of a life that was really lived: the true state.
//!
//! Input: what object, how many orders and which ids (two bytes, a seed of eight), then one event after the other.
//! The lives are small: one object, its changes told in full. They know their truth by having made it. Some inputs are a
//! seed and a setting of the lab instead: whole lives of many objects.
#![no_main]

use billfold::lab::check::FaultKind;
use billfold::lab::world::{Setting, Versions};
use billfold::lab::{self, Version};
use billfold::model::event_type::{EventType, Role};
use billfold::model::id::EventId;
use billfold::model::joined::Joined;
use billfold::model::kind::ObjectKind;
use billfold::model::observation::{Entry, Observation};
use billfold::model::register::{self, Seconded};
use billfold::model::time::Seconds;
use billfold_fuzz::bytes::Bytes;
use billfold_fuzz::dice::Dice;
use billfold_fuzz::fixtures;
use billfold_fuzz::fold::Fold;
use billfold_fuzz::states::{self, State};
use libfuzzer_sys::fuzz_target;

const EVENTS_MAX: usize = 24;
const LAB_ONE_IN: u32 = 32;

/// An id that no other event of the set has, and that says nothing about the order.
fn id(dice: &mut Dice, number: usize) -> EventId {
    EventId::parse(&format!("evt_{:02x}{number:02}", dice.roll(256))).unwrap()
}

fn state(kind: ObjectKind, bytes: &mut Bytes) -> State {
    states::fields(kind).map(|(_, values)| bytes.below(values.len()) as u8)
}

/// Anything: types, states and seconds as they come.
fn any_set(kind: ObjectKind, bytes: &mut Bytes, dice: &mut Dice) -> Vec<Observation> {
    let types = fixtures::types_of(kind);
    let mut set = Vec::new();
    while set.len() < EVENTS_MAX && !bytes.is_empty() {
        let event_type = types[bytes.below(types.len())];
        let after = state(kind, bytes);
        let flags = bytes.byte();
        let before = (flags & 1 == 1).then(|| state(kind, bytes));
        // Few seconds, so that most events share theirs.
        let second = Seconds(100 + i64::from(flags >> 1) % 3);
        set.push(states::observation(event_type, before, after, id(dice, set.len()), second));
    }
    set
}

/// A kind whose changes can be told in full: its types of creation, change and reminder, and the end if it has one.
struct Lived {
    created: &'static str,
    updated: &'static str,
    twin: Option<&'static str>,
    reminder: Option<&'static str>,
    end: Option<(&'static str, State)>,
    /// How many values of each field are in use: those that have a way back.
    sizes: [usize; 3],
}

const SUBSCRIPTION: Lived = Lived {
    created: "customer.subscription.created",
    updated: "customer.subscription.updated",
    twin: Some("customer.subscription.resumed"),
    reminder: Some("customer.subscription.trial_will_end"),
    end: Some(("customer.subscription.deleted", [6, 0, 1])),
    sizes: [5, 2, 1],
};
const PRICE: Lived = Lived {
    created: "price.created",
    updated: "price.updated",
    twin: None,
    reminder: None,
    end: Some(("price.deleted", [1, 0, 0])),
    sizes: [2, 3, 3],
};
const CUSTOMER: Lived = Lived {
    created: "customer.created",
    updated: "customer.updated",
    twin: None,
    reminder: None,
    end: Some(("customer.deleted", [0, 0, 0])),
    sizes: [3, 2, 3],
};
/// Climbs, and is changed on every step: draft to paid, with a growing number of attempts.
const INVOICE: Lived = Lived {
    created: "invoice.created",
    updated: "invoice.updated",
    twin: None,
    reminder: Some("invoice.sent"),
    end: Some(("invoice.paid", [3, 2, 2])),
    sizes: [2, 3, 2],
};

/// A life, the last event last. Every change tells what was before it.
fn life(lived: &Lived, climbs: bool, bytes: &mut Bytes, dice: &mut Dice) -> Vec<Observation> {
    let mut life = Vec::new();
    let mut second = 100;
    let mut now: State = [0; 3];
    let mut tell = |name: &str, before, after, second| {
        let event_type = EventType::parse(name).unwrap();
        let number = life.len();
        life.push(states::observation(event_type, before, after, id(dice, number), Seconds(second)));
        number + 3 < EVENTS_MAX
    };
    tell(lived.created, None, now, second);
    while !bytes.is_empty() {
        let (choice, shift) = (bytes.byte(), bytes.byte());
        second += i64::from(choice & 1);
        if let Some(reminder) = lived.reminder.filter(|_| choice & 2 == 2) {
            tell(reminder, None, now, second);
        }
        let field = usize::from(choice >> 4) % 3;
        let before = now;
        let size = lived.sizes[field];
        let next = (usize::from(now[field]) + 1 + usize::from(shift) % (size - 1).max(1)) % size;
        // The second field of an invoice never falls, nor does its status.
        if climbs && field < 2 && next < usize::from(before[field]) {
            continue;
        }
        now[field] = next as u8;
        if now == before {
            continue;
        }
        let more = tell(lived.updated, Some(before), now, second);
        if let Some(twin) = lived.twin.filter(|_| choice & 4 == 4) {
            tell(twin, Some(before), now, second);
        }
        if !more {
            break;
        }
        if let Some((end, after)) = lived.end.filter(|_| choice & 8 == 8) {
            tell(end, None, after, second);
            break;
        }
    }
    life
}

/// The set in some order, some of it twice.
fn delivered<'a>(set: &'a [Observation], dice: &mut Dice) -> Vec<&'a Observation> {
    let mut order: Vec<&Observation> = set.iter().collect();
    order.extend(set.iter().filter(|_| dice.roll(3) == 0));
    for last in (1..order.len()).rev() {
        order.swap(last, dice.roll(last + 1));
    }
    order
}

fn check_whole(kind: ObjectKind, set: &[Observation], fold: &Fold<'_>) {
    let mut seconds = Seconded::new();
    for observation in set {
        seconds.entry(observation.created).or_default().push(Entry::of(observation));
    }
    for entries in seconds.values_mut() {
        entries.sort_by(|a, b| a.event.cmp(&b.event));
    }
    assert_eq!(fold.entries, seconds, "every event, once");
    let object = fold.object.as_ref().unwrap();
    let carries: Vec<_> = register::history(kind, &seconds).map(|(_, carry)| carry).collect();
    let (now, before) = carries.split_last().unwrap();
    assert_eq!((&object.now, object.before.as_ref()), (now, before.last()), "the fold of the whole set");
    let winner = set.iter().find(|observation| observation.event == object.now.winner).unwrap();
    assert_eq!(object.snapshot, winner.snapshot, "what the winner shows");
    assert_eq!(object.current().kind(), kind);
}

fn check_join(set: &[Observation], whole: &Joined, dice: &mut Dice) {
    let (mut left, mut right) = (Joined::of(&set[0]), Joined::of(&set[set.len() - 1]));
    for observation in set {
        let side = dice.roll(3);
        if side != 0 {
            left.absorb(observation);
        }
        if side != 1 {
            right.absorb(observation);
        }
    }
    let mut joined = left.clone();
    joined.join(&right);
    assert_eq!(joined, *whole, "the join of two parts");
    right.join(&left);
    assert_eq!(right, *whole, "the join in the other order");
    right.join(&left);
    assert_eq!(right, *whole, "the join once more");
}

/// The events of one version, or of all.
fn versions(byte: u8) -> Versions {
    let one = Version::ALL.get(usize::from(byte) % (Version::ALL.len() + 1));
    one.map_or(Versions::Mixed, |version| Versions::One(*version))
}

/// A life of the lab, delivered as the lab does it: true or flagged, and the same in every order.
fn check_lab(bytes: &mut Bytes) {
    let orders = 2 + bytes.below(2);
    let seed = bytes.number();
    let setting = Setting {
        versions: versions(bytes.byte()),
        steps_max: bytes.below(6),
        ties: bytes.below(101) as u32,
        doubles: bytes.byte().into(),
        silent: bytes.byte().into(),
        ..Setting::default()
    };
    let verdict = lab::check::check(seed, &setting, orders);
    // What nobody tells, or tells twice, may mislead: but it misleads every order alike.
    let strict = setting.doubles <= Setting::default().doubles && setting.silent == 0;
    let promised = |kind: &FaultKind| match kind {
        FaultKind::OrderMatters | FaultKind::PartsDiffer | FaultKind::Unread | FaultKind::Impossible => true,
        kind => strict && kind.is_fatal(),
    };
    assert!(!verdict.faults.keys().any(promised), "{seed} {setting:?}: {:#?}", verdict.examples);
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    if let Some((0xf8.., rest)) = data.split_first() {
        // A life costs as much as a hundred sets: few of the inputs that ask for one get it.
        if crc32fast::hash(rest).is_multiple_of(LAB_ONE_IN) {
            check_lab(&mut Bytes(rest));
        }
        return;
    }
    let (what, orders) = (bytes.byte(), 2 + bytes.below(3));
    let mut dice = Dice(bytes.number());
    let lived = match what {
        0x80..0xa0 => Some((&SUBSCRIPTION, false)),
        0xa0..0xb8 => Some((&CUSTOMER, false)),
        0xb8..0xd0 => Some((&PRICE, false)),
        0xd0..0xf8 => Some((&INVOICE, true)),
        _ => None,
    };
    let set = match lived {
        Some((lived, climbs)) => life(lived, climbs, &mut bytes, &mut dice),
        None => any_set(ObjectKind::ALL[usize::from(what) % ObjectKind::ALL.len()], &mut bytes, &mut dice),
    };
    let Some(last) = set.last() else { return };
    let kind = last.key.kind;
    let first = Fold::of(&set);
    check_whole(kind, &set, &first);
    let stored = first.bytes();
    for _ in 0..orders {
        let order = delivered(&set, &mut dice);
        let fold = Fold::of(order.iter().copied());
        assert_eq!(fold.entries, first.entries, "{order:#?}");
        assert_eq!(fold.object, first.object, "{order:#?}");
        assert_eq!(fold.bytes(), stored);
    }
    let object = first.object.as_ref().unwrap();
    check_join(&set, &object.joined, &mut dice);
    if lived.is_some() {
        assert_eq!(object.now.after, last.after, "the true state: {set:#?}");
        assert!(!object.contradictory() && !object.created_inversion(), "{set:#?}");
        let ended = last.event_type.role() == Role::Deleted;
        assert_eq!(object.deleted(), ended);
    }
});
