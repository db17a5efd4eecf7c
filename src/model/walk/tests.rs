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
    let expected =
        expected.map(|(letter, closed, doubtful)| End { content: content(letter), closed, doubtful });
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
    check(&["AB", "AB", "BA", "BA"], Some('A'), Some(('A', true, false)));
    check(&["AB", "AB", "AC", "AC"], None, None);
    // It fits as it stands, so nothing is struck out to make it fit better.
    check(&["AB", "AB", "BA", "BC", "CA"], None, None);
}
