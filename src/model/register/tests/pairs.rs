//! Pairs of events of one object that can share a second, and what decides between them.

use super::*;

const NONE: &[Entry] = &[];

#[test]
fn subscriptions() {
    let e = |word: &str, status: &str, letter| {
        entry("e", &format!("customer.subscription.{word}"), status, letter)
    };
    let active = [e("created", "active", 'A')];
    check(
        "created, updated",
        NONE,
        &[e("created", "incomplete", 'A'), e("updated", "active", 'B').from('A')],
        Sure('B', Decision::Creation),
    );
    check(
        "created, updated without a past",
        NONE,
        &[e("created", "incomplete", 'A'), e("updated", "active", 'B')],
        Sure('B', Decision::Creation),
    );
    check(
        "created, deleted",
        NONE,
        &[e("created", "active", 'A'), e("deleted", "canceled", 'B')],
        Sure('B', Decision::Terminal),
    );
    check(
        "updated, deleted",
        &active,
        &[e("updated", "active", 'B').from('A'), e("deleted", "canceled", 'C')],
        Sure('C', Decision::Terminal),
    );
    check(
        "updated, expired",
        &active,
        &[e("updated", "incomplete", 'B').from('A'), e("updated", "incomplete_expired", 'C')],
        Sure('C', Decision::Terminal),
    );
    check(
        "updated, reminder",
        &active,
        &[e("updated", "active", 'B').from('A'), e("trial_will_end", "active", 'A')],
        Sure('B', Decision::Change),
    );
    check(
        "updated, updated, reminder",
        &active,
        &[sub('A', 'B'), sub('B', 'C'), e("trial_will_end", "active", 'B')],
        Sure('C', Decision::Walk),
    );
    check(
        "created, reminder",
        NONE,
        &[e("created", "trialing", 'A'), e("trial_will_end", "trialing", 'B')],
        Sure('B', Decision::NamedRule),
    );
    check(
        "updated, paused",
        &active,
        &[e("updated", "paused", 'B').from('A'), e("paused", "paused", 'B')],
        Sure('B', Decision::SameContent),
    );
    check(
        "updated, paused before it",
        &active,
        &[e("updated", "paused", 'C').from('B'), e("paused", "paused", 'B')],
        Sure('C', Decision::Walk),
    );
    check(
        "updated, paused beside it",
        &active,
        &[e("updated", "paused", 'C').from('B'), e("paused", "paused", 'X')],
        Flagged("CX"),
    );
    check(
        "updated, applied",
        &active,
        &[e("updated", "active", 'B').from('A'), e("pending_update_applied", "active", 'B')],
        Sure('B', Decision::SameContent),
    );
    check(
        "updated, expired update",
        &active,
        &[e("updated", "active", 'B').from('A'), e("pending_update_expired", "active", 'X')],
        Flagged("B"),
    );
    let both = [e("paused", "paused", 'P'), e("resumed", "active", 'R')];
    check("paused, resumed, was active", &active, &both, Sure('R', Decision::ClosedWalk));
    check(
        "paused, resumed, was paused",
        &[e("paused", "paused", 'Q')],
        &both,
        Sure('P', Decision::ClosedWalk),
    );
    check("paused, resumed, unknown", NONE, &both, Flagged("PR"));
    let seen = [
        e("updated", "paused", 'P').from('A'),
        e("updated", "active", 'A').from('P'),
        e("paused", "paused", 'P'),
        e("resumed", "active", 'A'),
    ];
    check("paused, resumed, both seen", &active, &seen, Sure('A', Decision::ClosedWalk));
    check(
        "paused, resumed, paused",
        &active,
        &[e("paused", "paused", 'P'), e("resumed", "active", 'R'), e("paused", "paused", 'Q')],
        Flagged("PRQ"),
    );
}

#[test]
fn invoices() {
    let e = |word: &str, status: &str, letter| entry("e", &format!("invoice.{word}"), status, letter);
    let open = [e("finalized", "open", 'O')];
    let (draft, failed) = (e("created", "draft", 'D'), e("payment_failed", "open", 'F'));
    check(
        "created, finalized, paid, succeeded",
        NONE,
        &[
            draft.clone(),
            e("finalized", "open", 'O'),
            e("paid", "paid", 'P'),
            e("payment_succeeded", "paid", 'P'),
        ],
        Sure('P', Decision::Terminal),
    );
    check(
        "born paid",
        NONE,
        &[e("created", "paid", 'C'), e("finalized", "paid", 'F'), e("paid", "paid", 'P')],
        Sure('P', Decision::NamedRule),
    );
    check("failed, paid", &open, &[failed.clone(), e("paid", "paid", 'P')], Sure('P', Decision::Terminal));
    check(
        "failed, paid, shown late",
        &open,
        &[e("payment_failed", "paid", 'F'), e("paid", "paid", 'P')],
        Sure('P', Decision::NamedRule),
    );
    check(
        "finalized, failed",
        NONE,
        &[e("finalized", "open", 'O'), failed.clone()],
        Sure('F', Decision::NamedRule),
    );
    check(
        "finalized, failed, attempts",
        NONE,
        &[e("finalized", "open", 'O'), failed.clone().numbers(1, 0)],
        Sure('F', Decision::Numbers),
    );
    check(
        "finalized, action",
        NONE,
        &[e("finalized", "open", 'O'), e("payment_action_required", "open", 'A')],
        Sure('A', Decision::NamedRule),
    );
    check(
        "failed, updated, attempts",
        &open,
        &[failed.clone().numbers(2, 0), e("updated", "open", 'U').numbers(1, 0).from('O')],
        Sure('F', Decision::Numbers),
    );
    check(
        "failed, updated before",
        &open,
        &[failed.clone(), e("updated", "open", 'F').from('O')],
        Sure('F', Decision::SameContent),
    );
    check(
        "failed, updated after",
        &open,
        &[failed.clone(), e("updated", "open", 'U').from('F')],
        Sure('U', Decision::Walk),
    );
    check(
        "failed, updated without a past",
        &open,
        &[failed.clone(), e("updated", "open", 'U')],
        Flagged("F"),
    );
    check(
        "failed, action, attempts",
        &open,
        &[failed.clone().numbers(1, 0), e("payment_action_required", "open", 'A').numbers(2, 0)],
        Sure('A', Decision::Numbers),
    );
    check(
        "failed, action",
        &open,
        &[failed.clone(), e("payment_action_required", "open", 'A')],
        Flagged("FA"),
    );
    check("failed twice", &open, &[failed.clone(), e("payment_failed", "open", 'G')], Flagged("FG"));
    check(
        "given up, paid",
        &open,
        &[e("marked_uncollectible", "uncollectible", 'U'), e("paid", "paid", 'P')],
        Sure('P', Decision::Terminal),
    );
    check(
        "given up, voided",
        &open,
        &[e("marked_uncollectible", "uncollectible", 'U'), e("voided", "void", 'V')],
        Sure('V', Decision::Terminal),
    );
    check(
        "given up, failed",
        &open,
        &[e("marked_uncollectible", "uncollectible", 'U'), e("payment_failed", "uncollectible", 'F')],
        Flagged("U"),
    );
    check(
        "updated, updated",
        &open,
        &[e("updated", "open", 'A').from('O'), e("updated", "open", 'B').from('A')],
        Sure('B', Decision::Walk),
    );
    check(
        "updated, updated, paid more",
        &open,
        &[e("updated", "open", 'A').numbers(0, 5), e("updated", "open", 'B')],
        Sure('A', Decision::Numbers),
    );
    check(
        "updated from draft to paid",
        &[draft.clone()],
        &[e("finalized", "open", 'O'), e("updated", "paid", 'P').from('D')],
        Sure('P', Decision::Terminal),
    );
    check(
        "not finalized, finalized",
        &[draft.clone()],
        &[e("finalization_failed", "draft", 'N'), e("finalized", "open", 'O')],
        Sure('O', Decision::LifecycleRank),
    );
    check(
        "paid, updated after",
        &open,
        &[e("paid", "paid", 'P'), e("payment_succeeded", "paid", 'P'), e("updated", "paid", 'Q').from('P')],
        Sure('Q', Decision::Walk),
    );
    check(
        "paid, succeeded, differing",
        &open,
        &[e("paid", "paid", 'P'), e("payment_succeeded", "paid", 'Q')],
        Flagged("PQ"),
    );
    check("paid, void", &open, &[e("paid", "paid", 'P'), e("voided", "void", 'V')], Flagged("PV"));
    check("created, deleted", NONE, &[draft, e("deleted", "deleted", 'X')], Sure('X', Decision::Terminal));
    check("failed, sent", &open, &[failed, e("sent", "open", 'S')], Sure('F', Decision::Change));
    check("two reminders", &open, &[e("sent", "open", 'S'), e("overdue", "open", 'T')], Flagged("ST"));
}

#[test]
fn intents() {
    let e = |word: &str, status: &str, letter| entry("e", &format!("payment_intent.{word}"), status, letter);
    let created = e("created", "requires_payment_method", 'A');
    for (word, status) in [
        ("requires_action", "requires_action"),
        ("processing", "processing"),
        ("payment_failed", "requires_payment_method"),
        ("amount_capturable_updated", "requires_capture"),
    ] {
        check(word, NONE, &[created.clone(), e(word, status, 'B')], Sure('B', Decision::Creation));
        check(
            word,
            NONE,
            &[e(word, status, 'B'), e("succeeded", "succeeded", 'C')],
            Sure('C', Decision::Terminal),
        );
        check(
            word,
            NONE,
            &[e(word, status, 'B'), e("canceled", "canceled", 'C')],
            Sure('C', Decision::Terminal),
        );
    }
    let (action, failed) =
        (e("requires_action", "requires_action", 'B'), e("payment_failed", "requires_payment_method", 'F'));
    check(
        "processing, failed",
        NONE,
        &[e("processing", "processing", 'P'), failed.clone()],
        Sure('F', Decision::NamedRule),
    );
    check(
        "action, processing",
        NONE,
        &[action.clone(), e("processing", "processing", 'P')],
        Sure('P', Decision::NamedRule),
    );
    check(
        "failed, authorized",
        NONE,
        &[failed.clone(), e("amount_capturable_updated", "requires_capture", 'C')],
        Sure('C', Decision::NamedRule),
    );
    check("action, failed", NONE, &[action.clone(), failed.clone()], Flagged("F"));
    check("created, action, failed", NONE, &[created, action, failed.clone()], Flagged("F"));
    check(
        "failed twice",
        NONE,
        &[failed, e("payment_failed", "requires_payment_method", 'G')],
        Flagged("FG"),
    );
    check(
        "succeeded, canceled",
        NONE,
        &[e("succeeded", "succeeded", 'S'), e("canceled", "canceled", 'C')],
        Flagged("SC"),
    );
    check(
        "funded twice",
        NONE,
        &[
            e("partially_funded", "requires_action", 'A').numbers(5, 0),
            e("partially_funded", "requires_action", 'B').numbers(3, 0),
        ],
        Sure('A', Decision::Numbers),
    );
}

#[test]
fn setups() {
    let e = |word: &str, status: &str, letter| entry("e", &format!("setup_intent.{word}"), status, letter);
    let (action, failed) =
        (e("requires_action", "requires_action", 'A'), e("setup_failed", "requires_payment_method", 'F'));
    check(
        "created, action",
        NONE,
        &[e("created", "requires_payment_method", 'C'), action.clone()],
        Sure('A', Decision::Creation),
    );
    check("action, failed", NONE, &[action.clone(), failed.clone()], Flagged("F"));
    check(
        "failed, succeeded",
        NONE,
        &[failed, e("succeeded", "succeeded", 'S')],
        Sure('S', Decision::Terminal),
    );
    check("action, canceled", NONE, &[action, e("canceled", "canceled", 'X')], Sure('X', Decision::Terminal));
}

#[test]
fn charges() {
    let e = |word: &str, status: &str, letter| entry("e", &format!("charge.{word}"), status, letter);
    let ok = |word: &str, letter| e(word, "succeeded", letter).numbers(1000, 1);
    let paid = [ok("succeeded", 'S')];
    check(
        "pending, succeeded",
        NONE,
        &[e("pending", "pending", 'P'), ok("succeeded", 'S')],
        Sure('S', Decision::LifecycleRank),
    );
    check(
        "pending, failed",
        NONE,
        &[e("pending", "pending", 'P'), e("failed", "failed", 'F')],
        Sure('F', Decision::LifecycleRank),
    );
    check(
        "pending, updated",
        NONE,
        &[e("pending", "pending", 'P'), e("updated", "pending", 'Q')],
        Sure('Q', Decision::NamedRule),
    );
    check(
        "succeeded, failed",
        NONE,
        &[ok("succeeded", 'S'), e("failed", "failed", 'F')],
        Sure('F', Decision::LifecycleRank),
    );
    check(
        "succeeded, updated",
        NONE,
        &[ok("succeeded", 'S'), ok("updated", 'U').from('S')],
        Sure('U', Decision::Walk),
    );
    check(
        "succeeded, updated without a past",
        NONE,
        &[ok("succeeded", 'S'), ok("updated", 'U')],
        Sure('U', Decision::NamedRule),
    );
    check(
        "succeeded beside two updates",
        NONE,
        &[ok("succeeded", 'X'), ok("updated", 'B').from('A'), ok("updated", 'C').from('B')],
        Sure('C', Decision::Walk),
    );
    check(
        "succeeded, changed and changed back",
        NONE,
        &[ok("succeeded", 'A'), ok("updated", 'B').from('A'), ok("updated", 'A').from('B')],
        Sure('A', Decision::ClosedWalk),
    );
    check(
        "succeeded, captured",
        NONE,
        &[e("succeeded", "succeeded", 'S'), ok("captured", 'C')],
        Sure('C', Decision::Numbers),
    );
    check(
        "succeeded, captured, shown late",
        NONE,
        &[ok("succeeded", 'S'), ok("captured", 'C')],
        Sure('C', Decision::NamedRule),
    );
    check(
        "succeeded, expired",
        NONE,
        &[e("succeeded", "succeeded", 'S'), e("expired", "succeeded", 'X')],
        Sure('X', Decision::NamedRule),
    );
    check(
        "captured, refunded",
        &paid,
        &[ok("captured", 'C'), ok("refunded", 'R').refunded(10)],
        Sure('R', Decision::NamedRule),
    );
    check(
        "refunded, refunded",
        &paid,
        &[ok("refunded", 'R').refunded(500), ok("refunded", 'Q').refunded(700)],
        Sure('Q', Decision::NamedRule),
    );
    check(
        "refunded, refunded alike",
        &paid,
        &[ok("refunded", 'R').refunded(500), ok("refunded", 'Q').refunded(500)],
        Flagged("RQ"),
    );
    check(
        "refunded, updated before",
        &paid,
        &[ok("refunded", 'R').refunded(500), ok("updated", 'B').from('S')],
        Sure('R', Decision::NamedRule),
    );
    check(
        "refunded, updated after",
        &paid,
        &[ok("refunded", 'R').refunded(500), ok("updated", 'B').from('R').refunded(500)],
        Sure('B', Decision::Walk),
    );
    check(
        "refunded, refund failed",
        &paid,
        &[ok("refunded", 'R').refunded(500), ok("updated", 'B').from('R')],
        Sure('B', Decision::Walk),
    );
    check(
        "updated, refunded, updated",
        &paid,
        &[
            ok("updated", 'B').from('S'),
            ok("refunded", 'R').refunded(500),
            ok("updated", 'T').from('R').refunded(500),
        ],
        Sure('T', Decision::Walk),
    );
    check(
        "refunded, updated alike",
        &paid,
        &[ok("refunded", 'R').refunded(500), ok("updated", 'B').refunded(500)],
        Flagged("R"),
    );
    check("captured, updated", &paid, &[ok("captured", 'C'), ok("updated", 'U')], Flagged("C"));
}

#[test]
fn refunds() {
    let e = |ty: &str, status: &str, letter| entry("e", ty, status, letter);
    check(
        "created, updated",
        NONE,
        &[e("refund.created", "succeeded", 'A'), e("refund.updated", "succeeded", 'B').from('A')],
        Sure('B', Decision::Creation),
    );
    check(
        "created, updated, twin",
        NONE,
        &[
            e("refund.created", "pending", 'A'),
            e("refund.updated", "succeeded", 'B').from('A'),
            e("charge.refund.updated", "succeeded", 'B').from('A'),
        ],
        Sure('B', Decision::Creation),
    );
    check(
        "succeeded, failed",
        NONE,
        &[
            e("refund.updated", "succeeded", 'S').from('P'),
            e("refund.updated", "failed", 'F').from('S'),
            e("refund.failed", "failed", 'F'),
        ],
        Sure('F', Decision::Terminal),
    );
    check(
        "failed, differing",
        NONE,
        &[e("charge.refund.updated", "failed", 'E'), e("refund.failed", "failed", 'F')],
        Sure('F', Decision::NamedRule),
    );
    check(
        "failed, canceled",
        NONE,
        &[e("refund.updated", "canceled", 'C'), e("refund.updated", "failed", 'F')],
        Flagged("CF"),
    );
}

#[test]
fn disputes() {
    let e = |word: &str, status: &str, letter| entry("e", &format!("charge.dispute.{word}"), status, letter);
    let created = e("created", "needs_response", 'A');
    check(
        "created, withdrawn alike",
        NONE,
        &[created.clone(), e("funds_withdrawn", "needs_response", 'A')],
        Sure('A', Decision::SameContent),
    );
    check(
        "created, withdrawn",
        NONE,
        &[created.clone(), e("funds_withdrawn", "needs_response", 'B').numbers(1, 0)],
        Sure('B', Decision::Creation),
    );
    check(
        "created, closed",
        NONE,
        &[e("created", "lost", 'A'), e("closed", "lost", 'B')],
        Sure('B', Decision::Creation),
    );
    check(
        "closed, reinstated",
        NONE,
        &[e("closed", "won", 'A').numbers(1, 0), e("funds_reinstated", "won", 'B').numbers(2, 0)],
        Sure('B', Decision::Numbers),
    );
    check(
        "reinstated, closed",
        NONE,
        &[e("closed", "won", 'A').numbers(2, 0), e("funds_reinstated", "won", 'B').numbers(1, 0)],
        Sure('A', Decision::Numbers),
    );
    check(
        "closed, reinstated alike",
        NONE,
        &[e("closed", "won", 'A'), e("funds_reinstated", "won", 'B')],
        Flagged("B"),
    );
    check(
        "lost, won",
        NONE,
        &[e("closed", "lost", 'A'), e("updated", "won", 'B')],
        Sure('B', Decision::Terminal),
    );
    check(
        "updated, updated by status",
        NONE,
        &[e("updated", "needs_response", 'A'), e("updated", "under_review", 'B')],
        Sure('B', Decision::LifecycleRank),
    );
    check(
        "updated, updated by submissions",
        NONE,
        &[e("updated", "under_review", 'A').numbers(1, 2), e("updated", "under_review", 'B').numbers(1, 1)],
        Sure('A', Decision::Numbers),
    );
    check(
        "updated, updated by the past",
        NONE,
        &[e("updated", "needs_response", 'A').from('O'), e("updated", "needs_response", 'B').from('A')],
        Sure('B', Decision::Walk),
    );
    check(
        "updated, closed",
        NONE,
        &[e("updated", "needs_response", 'A').from('O'), e("closed", "lost", 'B').from('A')],
        Sure('B', Decision::Terminal),
    );
    check(
        "updated, closed, both lost",
        NONE,
        &[e("updated", "lost", 'A'), e("closed", "lost", 'B')],
        Sure('B', Decision::NamedRule),
    );
    check(
        "withdrawn, updated",
        NONE,
        &[e("funds_withdrawn", "needs_response", 'A'), e("updated", "needs_response", 'B')],
        Flagged("B"),
    );
}

#[test]
fn customers_and_the_rest() {
    let e = |ty: &str, status: &str, letter| entry("e", ty, status, letter);
    check(
        "customer created, updated",
        NONE,
        &[e("customer.created", "active", 'A'), e("customer.updated", "active", 'B').from('A')],
        Sure('B', Decision::Creation),
    );
    check(
        "customer updated, updated",
        NONE,
        &[e("customer.updated", "active", 'B').from('A'), e("customer.updated", "active", 'C').from('B')],
        Sure('C', Decision::Walk),
    );
    check(
        "customer updated, deleted",
        NONE,
        &[e("customer.updated", "active", 'B').from('A'), e("customer.deleted", "deleted", 'A')],
        Sure('A', Decision::Terminal),
    );
    let method = |word: &str, status, letter| e(&format!("payment_method.{word}"), status, letter);
    check(
        "attached, updated",
        NONE,
        &[method("attached", "attached", 'A'), method("updated", "attached", 'B')],
        Sure('B', Decision::Creation),
    );
    check(
        "attached, updated, detached",
        NONE,
        &[
            method("attached", "attached", 'A'),
            method("updated", "attached", 'B'),
            method("detached", "detached", 'C'),
        ],
        Sure('C', Decision::Terminal),
    );
    check(
        "product created, updated",
        NONE,
        &[e("product.created", "active", 'A'), e("product.updated", "active", 'B').from('A')],
        Sure('B', Decision::Creation),
    );
    check(
        "product updated, updated",
        NONE,
        &[
            e("product.updated", "active", 'A').numbers(8, 0),
            e("product.updated", "active", 'B').numbers(7, 0),
        ],
        Sure('A', Decision::Numbers),
    );
    check(
        "price updated, deleted",
        NONE,
        &[e("price.updated", "inactive", 'A'), e("price.deleted", "deleted", 'B')],
        Sure('B', Decision::Terminal),
    );
    let session = |word: &str, letter| e(&format!("checkout.session.{word}"), "complete", letter);
    check(
        "completed, paid later",
        NONE,
        &[session("completed", 'A').stage(1, false), session("async_payment_succeeded", 'B').stage(2, true)],
        Sure('B', Decision::Terminal),
    );
    check(
        "completed, failed later",
        NONE,
        &[session("completed", 'A').stage(1, false), session("async_payment_failed", 'B').stage(2, true)],
        Sure('B', Decision::Terminal),
    );
    check(
        "completed, paid, shown late",
        NONE,
        &[session("completed", 'A').stage(2, true), session("async_payment_succeeded", 'B').stage(2, true)],
        Sure('B', Decision::NamedRule),
    );
    let schedule = |word: &str, status, letter| e(&format!("subscription_schedule.{word}"), status, letter);
    check(
        "schedule updated, released",
        NONE,
        &[schedule("updated", "active", 'A'), schedule("released", "released", 'B')],
        Sure('B', Decision::Terminal),
    );
    check(
        "schedule updated, released alike",
        NONE,
        &[schedule("updated", "released", 'A'), schedule("released", "released", 'B')],
        Sure('B', Decision::NamedRule),
    );
    check(
        "schedule expiring, updated",
        NONE,
        &[schedule("updated", "active", 'A'), schedule("expiring", "active", 'B')],
        Sure('A', Decision::Change),
    );
    check(
        "note updated, voided",
        NONE,
        &[e("credit_note.updated", "issued", 'A'), e("credit_note.voided", "void", 'B')],
        Sure('B', Decision::Terminal),
    );
    check(
        "review opened, closed",
        NONE,
        &[e("review.opened", "open", 'A'), e("review.closed", "closed", 'B')],
        Sure('B', Decision::Creation),
    );
    check(
        "clock advancing, ready",
        NONE,
        &[
            e("test_helpers.test_clock.advancing", "advancing", 'A'),
            e("test_helpers.test_clock.ready", "ready", 'B'),
        ],
        Flagged("B"),
    );
}

#[test]
fn entitlements() {
    let list = |from, to| entry("e", "entitlements.active_entitlement_summary.updated", "", to).from(from);
    check("chain", NONE, &[list('A', 'B'), list('B', 'C')], Sure('C', Decision::Walk));
    check("cut lists", NONE, &[list('A', 'B').partial(), list('B', 'C').partial()], Flagged("BC"));
    check("one cut list", NONE, &[list('A', 'B').partial(), list('B', 'C')], Flagged("BC"));
    check("a cut list alone", NONE, &[list('A', 'B').partial()], Flagged("B"));
}
