//! One step back: an object and its old values give the object as it was just before.

use super::node::Node;

/// Lays the old values over `object`.
///
/// Where both are objects only the named parts are old; a list is old as a whole; a null under `metadata` is a name that
/// was not there; anything else is the old value.
pub(super) fn undo<'a>(object: &mut Node<'a>, previous: Node<'a>) {
    match (object, previous) {
        (Node::Map(entries), Node::Map(old)) => {
            for (key, value) in old {
                match entries.iter_mut().find(|(name, _)| *name == key) {
                    Some((_, current)) => undo(current, value),
                    None => entries.push((key, value)),
                }
            }
        }
        (Node::Metadata(pairs), Node::Metadata(old)) => pairs.extend(old),
        (current, old) => *current = old,
    }
}
