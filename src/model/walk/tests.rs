use super::*;
use crate::model::testing::{content, entry};

/// Edges as `"AB"`: from A to B, all of one type.
#[track_caller]
fn check(edges: &[&str], anchor: Option<char>, expected: Option<(char, bool, bool)>) {
    let events: Vec<Entry> = edges
        .iter()
        .map(|edge| {
            let mut ends = edge.chars();
            let from = ends.next().unwrap();
            entry("e", "customer.updated", "active", ends.next().unwrap()).from(from)
        })
        .collect();
    let events: Vec<&Entry> = events.iter().collect();
    let found = end(&events, anchor.map(content));
    let expected = expected.map(|(letter, closed, doubtful)| End {
        content: content(letter),
        closed,
        anchored: closed,
        doubtful,
    });
    assert_eq!(found, expected, "{edges:?}");
}

#[test]
fn degrees_give_the_end() {
    check(&[], Some('A'), None);
    check(&["AB"], None, Some(('B', false, false)));
    check(&["BC", "AB"], None, Some(('C', false, false)));
    check(&["AB", "BA"], Some('B'), Some(('B', true, false)));
    check(&["AB", "BA"], Some('C'), None);
    check(&["AB", "BA"], None, None);
    check(&["AA"], Some('A'), Some(('A', true, false)));
    check(&["AB", "BC", "CA", "AD"], None, Some(('D', false, false)));
}

#[test]
fn what_does_not_hang_together_is_undecided() {
    check(&["AB", "CD"], None, None);
    check(&["AB", "CD", "DC"], None, None);
    check(&["AB", "CC"], None, None);
    check(&["AB", "BA", "CD", "DC"], Some('A'), None);
}

#[test]
fn repeated_edges_count_unless_that_does_not_fit() {
    check(&["AB", "AB"], None, Some(('B', false, false)));
    check(&["AB", "AB", "BC"], None, Some(('C', false, false)));
    check(&["AB", "AB", "BA"], Some('A'), Some(('B', false, true)));
    // There and back twice, or once more there and one of the four reported twice.
    check(&["AB", "AB", "BA", "BA"], Some('A'), Some(('A', true, true)));
    check(&["AB", "AB", "AC", "AC"], None, None);
    // It fits as it stands, so nothing is struck out to make it fit better.
    check(&["AB", "AB", "BA", "BC", "CA"], None, None);
}

/// Events as `"AB"`, from A to B, or `"-B"`, to B from anywhere: all of types that report nothing but their own step.
#[track_caller]
fn check_silent(events: &[&str], anchor: Option<char>, expected: Option<(char, bool)>) {
    let events: Vec<Entry> = events
        .iter()
        .zip(["charge.updated", "charge.captured", "charge.refunded"])
        .map(|(event, ty)| {
            let (from, to) = event.split_at(1);
            let entry = entry("e", ty, "succeeded", to.chars().next().unwrap());
            if from == "-" { entry } else { entry.from(from.chars().next().unwrap()) }
        })
        .collect();
    let all: Vec<&Entry> = events.iter().collect();
    let found = end(&all, anchor.map(content)).map(|end| (end.content, end.anchored));
    assert_eq!(found, expected.map(|(letter, anchored)| (content(letter), anchored)), "{events:?}");
}

#[test]
fn an_event_that_may_be_the_last_step_is_not_passed_over() {
    check_silent(&["AB", "-B"], None, Some(('B', false)));
    check_silent(&["AB", "-X"], Some('S'), None);
    // It leads into the walk, or back to where that began: the state before the second tells.
    check_silent(&["AB", "-A"], Some('S'), Some(('B', true)));
    check_silent(&["AB", "-A"], Some('A'), None);
    check_silent(&["AB", "-A"], None, None);
    check_silent(&["AB", "-A", "-A"], Some('S'), None);
    // It may be the last one, from the walk's end to its middle.
    check_silent(&["AB", "BC", "-B"], Some('A'), None);
    check_silent(&["AB", "BC", "-B"], Some('S'), None);
    // A closed walk ends where it was entered.
    check_silent(&["AB", "BA", "-B"], Some('S'), Some(('B', true)));
    check_silent(&["AB", "BA", "-B"], Some('A'), None);
    check_silent(&["AB", "BA", "-X"], Some('S'), None);
    check_silent(&["AB", "BA", "-A"], Some('A'), Some(('A', true)));
}

/// A pending update was applied and another one expired; which came first, no content says.
#[test]
fn a_report_that_may_be_the_jump_back_to_the_beginning_is_doubtful() {
    const UPDATED: &str = "customer.subscription.updated";
    const EXPIRED: &str = "customer.subscription.pending_update_expired";
    let edge = |from, to| entry("e", UPDATED, "active", to).from(from);
    let expired = entry("e", EXPIRED, "active", 'S');
    let events = [edge('S', 'B'), edge('B', 'S'), edge('S', 'A'), edge('A', 'E'), expired];
    let events: Vec<&Entry> = events.iter().collect();
    let doubt =
        |anchor: Option<char>| end(&events, anchor.map(content)).map(|end| (end.content, end.doubtful));
    // A > E, then back to S, round over B, and on to A: as good as S at first.
    assert_eq!(doubt(Some('A')), Some((content('E'), true)));
    assert_eq!(doubt(Some('S')), Some((content('E'), false)));
    assert_eq!(doubt(Some('X')), Some((content('E'), false)));
    assert_eq!(doubt(None), Some((content('E'), false)));
}
