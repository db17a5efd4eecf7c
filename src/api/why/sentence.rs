//! Why an object is as it is, in one sentence or a few: which event decides and why, what overrules it, what is in doubt.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::engine::Explained;
use crate::model::evidence::Claim;
use crate::model::explain::Tie;
use crate::model::id::EventId;
use crate::model::register::{Decision, Doubt};

use crate::api::object::rfc3339;

/// The sentences, for a person.
pub(super) fn of(explained: &Explained) -> String {
    let explanation = &explained.explanation;
    let kind = explained.shown.object.key.kind;
    let mut text = decided(&explanation.newest);
    // Writing into a String cannot fail, here and below.
    if let Some(doubt) = explanation.newest.doubt {
        let _ = write!(text, " Ambiguous: {}.", doubted(doubt, &explanation.newest));
    }
    text.push_str(&overruled(explained));
    let mut contradictions = explained.evidence.contradictions.iter().peekable();
    if contradictions.peek().is_some() {
        text.push_str(" Contradictory:");
        for ((about, claim), event) in contradictions {
            let field = about.fields(kind).first().copied().unwrap_or_default();
            let event = event.as_ref().map_or("an event further back", |event| event.as_str());
            let _ = match claim {
                Claim::End(status) => write!(text, " {event} shows {field} {status};"),
                Claim::Moment(moment) => {
                    write!(text, " {event} shows {field} {};", rfc3339(*moment).unwrap_or_default())
                }
            };
        }
        text.push_str(" not all of it can be true.");
    }
    text
}

/// What is certain in any order and comes from other events, event by event.
fn overruled(explained: &Explained) -> String {
    let kind = explained.shown.object.key.kind;
    let mut fields: BTreeMap<Option<&EventId>, Vec<&str>> = BTreeMap::new();
    for (about, event) in &explained.evidence.overruled {
        fields.entry(event.as_ref()).or_default().extend(about.fields(kind));
    }
    let proofs: Vec<String> = fields
        .into_iter()
        .map(|(event, fields)| {
            let from = event.map_or("several events", |event| event.as_str());
            format!("{} from {from}", fields.join(", "))
        })
        .collect();
    if proofs.is_empty() {
        return String::new();
    }
    format!(" Overruled by what holds in any order: {}.", proofs.join("; "))
}

fn decided(tie: &Tie) -> String {
    let Tie { decides, events, .. } = tie;
    let among = format!("{decides} decides: of the {events} events of the newest second");
    match tie.decided_by {
        Decision::Alone => format!("{decides} decides: it is alone in the newest second."),
        Decision::SameContent => {
            format!("{decides} decides: all {events} events of the newest second show the same.")
        }
        Decision::Terminal => format!("{among} it shows a status that nothing leaves."),
        Decision::Creation => format!("{among} it shows a change, the others the creation."),
        Decision::LifecycleRank => {
            format!("{among} it shows the furthest stage of a lifecycle that has no way back.")
        }
        Decision::Numbers => format!("{among} it shows the highest of the numbers that never fall."),
        Decision::Change => format!("{among} it shows a change, the others are reminders."),
        Decision::Walk => {
            let begins = tie.rests_on.as_ref().map(|event| format!(", beginning where {event} ends"));
            let begins = begins.unwrap_or_default();
            format!(
                "{decides} decides: the {events} events of the newest second lead from state to state{begins}, and end with it."
            )
        }
        Decision::ClosedWalk => {
            let began =
                tie.rests_on.as_ref().map(|event| format!(", which {event} shows")).unwrap_or_default();
            format!(
                "{decides} decides: the {events} events of the newest second lead back to the state where they began{began}; it is the last to show it."
            )
        }
        Decision::NamedRule => {
            format!("{among} it is of the type that comes after the others in the lifecycle.")
        }
        Decision::TypeRank => format!("{among} its type usually comes last."),
        Decision::EventId => format!("{among} it has the highest id."),
    }
}

fn doubted(doubt: Doubt, tie: &Tie) -> String {
    match (doubt, &tie.rests_on) {
        (Doubt::Convention, _) => "nothing in the events of this second proves which is the last".to_owned(),
        (Doubt::Anchor, Some(event)) => {
            format!("it rests on the state that {event} shows, which is in doubt itself")
        }
        (Doubt::Anchor, None) => "it rests on a state that is in doubt itself".to_owned(),
        (Doubt::EqualChanges, _) => {
            "two equal events may be two changes or one that is reported twice, and that matters here"
                .to_owned()
        }
        (Doubt::CutList, _) => {
            "the provider cut the list, so that equal parts prove no equal state".to_owned()
        }
    }
}
