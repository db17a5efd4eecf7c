//! The rebuild of a running server: started, watched and confirmed from here, done there.

use std::time::Duration;

use serde_json::{Value, json};

use super::RebuildArgs;
use crate::api;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::progress::Bar;
use crate::cli::source::{Query, Server};
use crate::cli::view;
use crate::engine::Progress;

/// How long to wait before the server is asked again how far it is.
const ASK_AGAIN: Duration = Duration::from_millis(200);

pub(super) fn run(arguments: &RebuildArgs, server: &Server, out: &mut Output) -> Result<Exit, Failure> {
    let path = api::path(&["rebuild"]);
    let compare = if arguments.diff { "?diff=true" } else { "" };
    let mut state = server.post(&format!("{path}{compare}"), String::new())?;
    let (mut differences, mut is_decided) = (Value::Null, false);
    let bar = Bar::records("rebuilding");
    while let Some(under_way) = state.get("under_way").filter(|under_way| under_way.is_object()) {
        let number = |name| under_way.get(name).and_then(Value::as_u64).unwrap_or_default();
        bar.show(Progress { done: number("done"), total: number("total") });
        if under_way.get("stage").and_then(Value::as_str) == Some("waiting") && !is_decided {
            bar.hide();
            is_decided = true;
            differences = under_way.get("differences").cloned().unwrap_or_default();
            if !arguments.may_swap(&differences, out)? {
                let mut state = server.delete(&path)?;
                // Gone when this command is: the next one may begin.
                while state.get("under_way").is_some_and(Value::is_object) {
                    std::thread::sleep(ASK_AGAIN);
                    state = server.ask(&path, &Query::new())?;
                }
                return arguments.kept(&differences, out);
            }
            state = server.post(&format!("{path}/swap"), String::new())?;
            continue;
        }
        std::thread::sleep(ASK_AGAIN);
        state = server.ask(&path, &Query::new())?;
    }
    bar.hide();
    let last = state.get("last").cloned().unwrap_or_default();
    match view::plain(&last, "outcome").as_str() {
        "swapped" => {
            let member = |name: &str| last.get(name).cloned().unwrap_or_default();
            let rebuilt = json!({
                "records": member("records"), "changed": member("changed"), "digest": member("digest"),
            });
            arguments.report(rebuilt, &differences, out)?;
            Ok(Exit::Done)
        }
        "kept" => Err(Failure::new(Exit::Refused, "somebody stopped the rebuild: the old state stays")),
        _ => Err(Failure::new(Exit::Failed, view::plain(&last, "error"))),
    }
}
