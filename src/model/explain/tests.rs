//! Each kind of reason, one row a story; and that the explanation is the fold's own, whatever the events are.

use super::*;
use crate::model::testing::{Dice, content, entry, event};

/// `3:updated active A>B, 1:updated active B>C | 2:deleted canceled D`: ids, and a `|` between seconds.
fn story(prefix: &str, text: &str) -> Seconded {
    let mut seconds = Seconded::new();
    for (second, events) in (1..).map(Seconds).zip(text.split(" | ")) {
        for told in events.split(", ") {
            let (id, told) = told.split_once(':').unwrap();
            let entry = Entry { event: EventId::parse(id).unwrap(), created: second, ..event(prefix, told) };
            seconds.entry(second).or_default().push(entry);
        }
    }
    for entries in seconds.values_mut() {
        entries.sort_by(|a, b| a.event.cmp(&b.event));
    }
    seconds
}

fn shown(line: &Line) -> String {
    let why = line.lost.map_or(line.standing.as_str(), Lost::as_str);
    let kin = line.like.as_ref().map(|(how, event)| format!(" {} {event}", how.as_str()));
    format!("{} {why}{}", line.entry.event, kin.unwrap_or_default())
}

/// The lines, and of the newest second: what decided, what leaves doubt, what it rests on.
#[track_caller]
fn check(prefix: &str, text: &str, lines: &[&str], newest: &str) {
    let seconds = story(prefix, text);
    let kind = seconds.values().next().unwrap()[0].event_type.kind();
    let found = explain(kind, &seconds, usize::MAX).unwrap();
    let found_lines: Vec<String> = found.lines.iter().map(shown).collect();
    assert_eq!(found_lines, lines, "{text}");
    let Tie { decided_by, doubt, rests_on, .. } = &found.newest;
    let doubt = doubt.map_or("-", Doubt::as_str);
    let rests_on = rests_on.as_ref().map_or("-", |event| event.as_str());
    assert_eq!(format!("{decided_by} {doubt} {rests_on}"), newest, "{text}");
    assert_eq!(Some(found.now), register::resolve(kind, &seconds), "{text}");
}

const SUB: &str = "customer.subscription";

#[test]
fn a_later_second() {
    let text = "2:created active A | 1:updated active A>B";
    check(SUB, text, &["2 later_second", "1 decides"], "alone - -");
}

#[test]
fn what_the_lifecycle_decides() {
    let text = "3:created incomplete A, 2:updated active A>B, 1:deleted canceled C";
    check(SUB, text, &["3 terminal", "2 terminal", "1 decides"], "terminal - -");
    check(SUB, "2:created incomplete A, 1:updated active A>B", &["2 creation", "1 decides"], "creation - -");
    let text = "3:created draft A, 2:updated draft A>B, 1:finalized open C";
    check("invoice", text, &["3 creation", "2 lifecycle_rank", "1 decides"], "lifecycle_rank - -");
    let text = "2:payment_failed open B 2/0, 3:updated open A>C 1/0";
    check("invoice", text, &["3 numbers", "2 decides"], "numbers - -");
    let text = "4:finalized open A | 2:updated open A>B, 3:sent open A";
    check("invoice", text, &["4 later_second", "3 change", "2 decides"], "change - -");
    let text = "3:payment_failed open A, 2:voided open B";
    check("invoice", text, &["3 named_rule", "2 decides"], "named_rule - -");
}

#[test]
fn what_the_walk_decides() {
    // docs/ordering.md.
    let text = "5:created trialing T | 1:updated active T>A, 2:updated active P>A, 3:updated past_due A>P";
    check(SUB, text, &["5 later_second", "1 agrees", "3 walk", "2 decides"], "walk - -");
    // The fold names the highest id of those that end there; the last one on the walk is another.
    let text = "5:created trialing T | 4:updated active T>A, 2:updated active P>A, 3:updated past_due A>P";
    check(SUB, text, &["5 later_second", "4 agrees", "3 walk", "2 decides"], "walk - -");
    let text = "1:created active A | 3:updated active A>B, 2:updated active B>A";
    check(SUB, text, &["1 later_second", "3 closed_walk", "2 decides"], "closed_walk - 1");
    let text = "9:created active A, 3:updated active A>B, 2:updated active B>A";
    check(SUB, text, &["9 creation", "3 closed_walk", "2 decides"], "closed_walk - 9");
    let text = "9:created active A | 4:resumed active R, 3:paused paused P";
    check(SUB, text, &["9 later_second", "3 closed_walk", "4 decides"], "closed_walk - 9");
}

#[test]
fn what_only_a_convention_decides() {
    let text = "1:updated open A, 2:payment_failed open B";
    check("invoice", text, &["1 type_rank", "2 decides"], "type_rank convention -");
    let text = "1:payment_failed open A, 2:payment_failed open B";
    check("invoice", text, &["1 event_id", "2 decides"], "event_id convention -");
}

#[test]
fn what_leaves_doubt() {
    let text = "2:updated active A>B, 1:updated active B>A | 3:updated active A>C, 4:updated active C>A, \
                5:updated active A>B, 6:updated active B>A";
    let seconds = story(SUB, text);
    let found = explain(ObjectKind::Subscription, &seconds, usize::MAX).unwrap();
    assert_eq!(found.newest.doubt, Some(Doubt::Anchor));
    assert_eq!(found.newest.rests_on.as_ref().map(EventId::as_str), Some("2"));
    assert_eq!(found.ties.len(), 2);
    let text = "9:created active A | 1:updated active A>B, 2:updated active A>B, 3:updated active B>A";
    let found = explain(ObjectKind::Subscription, &story(SUB, text), usize::MAX).unwrap();
    assert_eq!(found.newest.doubt, Some(Doubt::EqualChanges));
    let ty = "entitlements.active_entitlement_summary";
    let found = explain(ObjectKind::Entitlements, &story(ty, "1:updated active A cut"), usize::MAX).unwrap();
    assert_eq!((found.newest.decided_by, found.newest.doubt), (Decision::Alone, Some(Doubt::CutList)));
}

#[test]
fn events_that_say_the_same() {
    let text = "9:created active A | 1:updated active A>B, 2:updated active A>B";
    let lines = ["9 later_second", "1 agrees", "2 decides duplicate 1"];
    check(SUB, text, &lines, "same_content - -");
    let text = "9:created active A | 1:updated active A>B, 2:updated active A>B, 3:updated active B>C";
    let lines = ["9 later_second", "1 walk", "2 walk duplicate 1", "3 decides"];
    check(SUB, text, &lines, "walk - -");
    let text = "9:created active A | 2:resumed active B, 1:updated active A>B";
    check(SUB, text, &["9 later_second", "1 agrees", "2 decides twin 1"], "same_content - -");
    let text = "1:paid paid P, 2:payment_succeeded paid P, 3:updated paid O>P";
    check("invoice", text, &["3 agrees", "1 agrees twin 3", "2 decides twin 3"], "same_content - -");
    let text = "1:created needs_response A, 2:funds_withdrawn needs_response A";
    check("charge.dispute", text, &["1 agrees", "2 decides same_content 1"], "same_content - -");
    // Left and entered again: not the same change.
    let text = "1:created active A | 3:updated active A>B, 2:updated active B>A, 4:updated active A>B";
    let lines = ["1 later_second", "3 agrees", "2 walk", "4 decides"];
    check(SUB, text, &lines, "walk equal_changes -");
}

#[test]
fn an_event_without_a_past_stands_beside_what_it_reports() {
    let text = "9:finalized open O | 3:payment_failed open F, 2:updated open O>F, 1:updated open F>U";
    check("invoice", text, &["9 later_second", "3 walk", "2 walk twin 3", "1 decides"], "walk - -");
}

#[test]
fn what_is_alone_follows_a_certain_state() {
    let seconds = story(
        SUB,
        "1:created active A | 2:updated active B | 3:updated active C, 4:updated active D | 5:updated active E",
    );
    let found = explain(ObjectKind::Subscription, &seconds, usize::MAX).unwrap();
    let follows: Vec<_> = found.lines.iter().map(|line| line.follows.as_ref().map(EventId::as_str)).collect();
    assert_eq!(follows, [None, Some("1"), None, None, None]);
}

#[test]
fn long_lives_are_cut_and_say_so() {
    let mut seconds = Seconded::new();
    for number in 0..10_000_i64 {
        let mut entry = entry(&format!("evt_{number}"), "customer.subscription.updated", "active", 'A');
        entry.created = Seconds(number / 2);
        seconds.entry(entry.created).or_default().push(entry);
    }
    let found = explain(ObjectKind::Subscription, &seconds, 5).unwrap();
    assert_eq!((found.lines.len(), found.omitted, found.ties.len()), (5, 9_995, 3));
    assert_eq!(found.newest.decides.as_str(), "evt_9999");
    assert_eq!(explain(ObjectKind::Subscription, &seconds, 0).unwrap().lines.len(), 1);
    assert_eq!(explain(ObjectKind::Subscription, &Seconded::new(), 5), None);
}

/// Made-up seconds of every sort: what is explained is what the fold decided.
#[test]
fn the_explanation_is_the_folds_own() {
    let mut dice = Dice(7);
    for kind in [ObjectKind::Subscription, ObjectKind::Invoice, ObjectKind::Charge] {
        let types: Vec<_> =
            crate::model::event_type::EventType::all().filter(|ty| ty.kind() == kind).collect();
        for _ in 0..400 {
            let seconds = random(&mut dice, &types);
            let all: usize = seconds.values().map(Vec::len).sum();
            let found = explain(kind, &seconds, usize::MAX).unwrap();
            assert_eq!(Some(&found.now), register::resolve(kind, &seconds).as_ref());
            assert_eq!((found.lines.len(), found.omitted), (all, 0));
            assert!(found.lines.is_sorted_by_key(|line| line.entry.created));
            let ids: BTreeSet<_> = found.lines.iter().map(|line| &line.entry.event).collect();
            assert_eq!(ids.len(), all, "each event once");
            let deciding: Vec<_> =
                found.lines.iter().filter(|line| line.standing == Standing::Decides).collect();
            let [decides] = deciding.as_slice() else { panic!("{deciding:?}") };
            assert_eq!(decides.entry.event, found.newest.decides);
            assert_eq!((decides.entry.after, &decides.entry.facts), (found.now.after, &found.now.facts));
            assert_eq!(found.newest.doubt.is_none(), found.now.certain);
            assert_eq!(found.newest.decided_by, found.now.decided_by);
            let last = found.lines.last().unwrap();
            assert_eq!(last.entry.after, found.now.after, "{seconds:#?}");
            let cut = explain(kind, &seconds, 3).unwrap();
            assert_eq!(cut.lines, found.lines[all.saturating_sub(3)..]);
        }
    }
}

fn random(dice: &mut Dice, types: &[crate::model::event_type::EventType]) -> Seconded {
    let mut seconds = Seconded::new();
    for second in 0..=dice.roll(3) {
        for _ in 0..=dice.roll(6) {
            let ty = types[dice.roll(types.len())];
            let letter = |dice: &mut Dice| ['A', 'B', 'C', 'D'][dice.roll(4)];
            let to = letter(dice);
            let mut entry = entry(&dice.id(), ty.name(), ["active", "open"][dice.roll(2)], to);
            entry.created = Seconds(i64::try_from(second).unwrap());
            entry.before = dice.chance(70).then(|| content(letter(dice)));
            let entries: &mut Vec<Entry> = seconds.entry(entry.created).or_default();
            entries.retain(|known| known.event != entry.event);
            entries.push(entry);
            entries.sort_by(|a, b| a.event.cmp(&b.event));
        }
    }
    seconds
}
