//! What a process holds in memory with many subscriptions: measured from outside, in a process of its own.

use std::process::Command;

use billfold::engine::{Billfold, ListQuery};
use billfold::model::kind::ObjectKind;

use crate::{lives::Lives, rebuild};

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .arg("memory-child")
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(child.success());
}

/// Ingests, then opens again, and prints what the kernel says of this process.
pub(crate) fn child(folder: &str) {
    let count = rebuild::events();
    rebuild::fill(&Billfold::open(folder).unwrap(), &Lives::load(), count);
    println!("after ingesting {count} events: {}", resident());
    let billfold = Billfold::open(folder).unwrap();
    let mut query = ListQuery { limit: 500, ..ListQuery::default() };
    let mut subscriptions = 0;
    loop {
        let page = billfold.objects(ObjectKind::Subscription, &query).unwrap();
        subscriptions += page.items.len();
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    println!("opened again, {subscriptions} subscriptions listed: {}", resident());
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
