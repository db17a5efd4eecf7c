//! Pairs of events of one object that can share a second, and what decides between them.
//! How an event reads: [`event`].

use Decision as D;

use super::*;
use crate::model::testing::event;

fn parse(prefix: &str, text: &str) -> Vec<Entry> {
    text.split(", ").filter(|text| !text.is_empty()).map(|text| event(prefix, text)).collect()
}

#[track_caller]
fn pair(prefix: &str, before: &str, events: &str, expect: Expect) {
    check(&format!("{prefix}: {events}"), &parse(prefix, before), &parse(prefix, events), expect);
}

#[test]
fn subscriptions() {
    let pair = |before: &str, events: &str, expect| pair("customer.subscription", before, events, expect);
    let born = "created active A";
    pair("", "created incomplete A, updated active A>B", Sure('B', D::Creation));
    pair("", "created incomplete A, updated active B", Sure('B', D::Creation));
    pair("", "created active A, deleted canceled B", Sure('B', D::Terminal));
    pair("", "created trialing A, trial_will_end trialing B", Sure('B', D::NamedRule));
    pair(born, "updated active A>B, deleted canceled C", Sure('C', D::Terminal));
    pair(born, "updated active A>B, updated incomplete_expired C", Sure('C', D::Terminal));
    pair(born, "updated active A>B, trial_will_end active A", Sure('B', D::Change));
    pair(born, "updated active A>B, updated active B>C, trial_will_end active B", Sure('C', D::Walk));
    pair(born, "updated active A>B, pending_update_applied active B", Sure('B', D::SameContent));
    pair(born, "updated active A>B, pending_update_expired active X", Flagged("B"));
    // A type does not report its own changes: the third may be the way back.
    pair(born, "updated active A>B, updated active B>C, updated active B", Flagged("BC"));
}

#[test]
fn pauses_of_subscriptions() {
    let pair = |before: &str, events: &str, expect| pair("customer.subscription", before, events, expect);
    let born = "created active A";
    pair(born, "updated paused A>B, paused paused B", Sure('B', D::SameContent));
    pair(born, "updated paused B>C, paused paused B", Sure('C', D::Walk));
    pair(born, "updated paused B>C, paused paused X", Flagged("CX"));
    pair(born, "paused paused P, resumed active R", Sure('R', D::ClosedWalk));
    pair("paused paused Q", "paused paused P, resumed active R", Sure('P', D::ClosedWalk));
    pair("", "paused paused P, resumed active R", Flagged("PR"));
    pair(born, "paused paused P, resumed active R, paused paused Q", Flagged("PRQ"));
    let seen = "updated paused A>P, updated active P>A, paused paused P, resumed active A";
    pair(born, seen, Sure('A', D::ClosedWalk));
    pair("", seen, Flagged("PA"));
}

#[test]
fn invoices_through_life() {
    let pair = |before: &str, events: &str, expect| pair("invoice", before, events, expect);
    let (draft, open) = ("created draft D", "finalized open O");
    let all = "created draft D, finalized open O, paid paid P, payment_succeeded paid P";
    pair("", all, Sure('P', D::Terminal));
    pair("", "created paid C, finalized paid F, paid paid P", Sure('P', D::NamedRule));
    pair("", "created draft D, deleted deleted X", Sure('X', D::Terminal));
    pair(draft, "finalized open O, updated paid D>P", Sure('P', D::Terminal));
    pair(draft, "finalization_failed draft N, finalized open O", Sure('O', D::LifecycleRank));
    pair(open, "marked_uncollectible uncollectible U, paid paid P", Sure('P', D::Terminal));
    pair(open, "marked_uncollectible uncollectible U, voided void V", Sure('V', D::Terminal));
    pair(open, "marked_uncollectible uncollectible U, payment_failed uncollectible F", Flagged("U"));
    pair(open, "updated open O>A, updated open A>B", Sure('B', D::Walk));
    pair(open, "updated open A 0/5, updated open B", Sure('A', D::Numbers));
    pair(open, "paid paid P, payment_succeeded paid P, updated paid P>Q", Sure('Q', D::Walk));
    let noted = "created draft D, finalized open O, paid paid P, payment_succeeded paid P, updated paid P>Q";
    pair("", noted, Sure('Q', D::Walk));
    pair(open, "paid paid P, payment_succeeded paid Q", Flagged("PQ"));
    pair(open, "paid paid P, voided void V", Flagged("PV"));
    pair(open, "sent open S, overdue open T", Flagged("ST"));
}

#[test]
fn attempts_to_collect_an_invoice() {
    let pair = |before: &str, events: &str, expect| pair("invoice", before, events, expect);
    let open = "finalized open O";
    pair("", "finalized open O, payment_failed open F", Sure('F', D::NamedRule));
    pair("", "finalized open O, payment_failed open F 1/0", Sure('F', D::Numbers));
    pair("", "finalized open O, payment_action_required open A", Sure('A', D::NamedRule));
    pair(open, "payment_failed open F, paid paid P", Sure('P', D::Terminal));
    pair(open, "payment_failed paid F, paid paid P", Sure('P', D::NamedRule));
    pair(open, "payment_failed open F 2/0, updated open O>U 1/0", Sure('F', D::Numbers));
    pair(open, "payment_failed open F, updated open O>F", Sure('F', D::SameContent));
    pair(open, "payment_failed open F, updated open F>U", Sure('U', D::Walk));
    pair(open, "payment_failed open F, updated open U", Flagged("F"));
    pair(open, "updated open O>F, payment_failed open F, updated open F>U", Sure('U', D::Walk));
    pair("created draft D", "finalized open O, payment_failed open F, updated open F>U", Sure('U', D::Walk));
    pair("", "finalized open O, payment_failed open F, updated open F>U", Flagged("F"));
    let hole = "updated paid A>B, payment_failed paid B>C, payment_succeeded paid C>A";
    pair("", hole, Flagged("A"));
    pair(open, "payment_failed open F, sent open S", Sure('F', D::Change));
    pair(open, "payment_failed open F 1/0, payment_action_required open A 2/0", Sure('A', D::Numbers));
    pair(open, "payment_failed open F, payment_action_required open A", Flagged("FA"));
    pair(open, "payment_failed open F, payment_failed open G", Flagged("FG"));
}

#[test]
fn intents() {
    let pair = |events: &str, expect| pair("payment_intent", "", events, expect);
    for other in [
        "requires_action requires_action B",
        "processing processing B",
        "payment_failed requires_payment_method B",
        "amount_capturable_updated requires_capture B",
    ] {
        pair(&format!("created requires_payment_method A, {other}"), Sure('B', D::Creation));
        pair(&format!("{other}, succeeded succeeded C"), Sure('C', D::Terminal));
        pair(&format!("{other}, canceled canceled C"), Sure('C', D::Terminal));
    }
    let failed = "payment_failed requires_payment_method F";
    pair(&format!("processing processing P, {failed}"), Flagged("F"));
    pair("requires_action requires_action A, processing processing P", Sure('P', D::NamedRule));
    pair(&format!("{failed}, amount_capturable_updated requires_capture C"), Sure('C', D::NamedRule));
    pair(&format!("requires_action requires_action A, {failed}"), Flagged("F"));
    let three = "created requires_payment_method C, requires_action requires_action A";
    pair(&format!("{three}, {failed}"), Flagged("F"));
    pair(&format!("{failed}, payment_failed requires_payment_method G"), Flagged("FG"));
    pair("succeeded succeeded S, canceled canceled C", Flagged("SC"));
    let funded = "partially_funded requires_action";
    pair(&format!("{funded} A 5/0, {funded} B 3/0"), Sure('A', D::Numbers));
}

#[test]
fn setups() {
    let pair = |events: &str, expect| pair("setup_intent", "", events, expect);
    let (action, failed) = ("requires_action requires_action A", "setup_failed requires_payment_method F");
    pair(&format!("created requires_payment_method C, {action}"), Sure('A', D::Creation));
    pair(&format!("{action}, {failed}"), Flagged("F"));
    pair(&format!("{failed}, succeeded succeeded S"), Sure('S', D::Terminal));
    pair(&format!("{action}, canceled canceled X"), Sure('X', D::Terminal));
}

#[test]
fn charges() {
    let pair = |before: &str, events: &str, expect| pair("charge", before, events, expect);
    let done = "succeeded succeeded S 9/1";
    pair("", "pending pending P, succeeded succeeded S 9/1", Sure('S', D::LifecycleRank));
    pair("", "pending pending P, failed failed F", Sure('F', D::LifecycleRank));
    pair("", "pending pending P, updated pending Q", Sure('Q', D::NamedRule));
    pair("", "succeeded succeeded S 9/1, failed failed F", Sure('F', D::LifecycleRank));
    pair("", "succeeded succeeded S, updated succeeded S>U", Sure('U', D::NamedRule));
    pair("", "succeeded succeeded S, updated succeeded U", Sure('U', D::NamedRule));
    pair("", "succeeded succeeded X, updated succeeded A>B, updated succeeded B>C", Sure('C', D::Walk));
    pair("", "succeeded succeeded A, updated succeeded A>B, updated succeeded B>A", Sure('A', D::ClosedWalk));
    pair("", "succeeded succeeded S, captured succeeded C 9/1", Sure('C', D::Numbers));
    pair("", "succeeded succeeded S, captured succeeded C", Sure('C', D::NamedRule));
    pair(
        "",
        "succeeded succeeded S, captured succeeded C 9/1, updated succeeded C>U 9/1",
        Sure('U', D::Walk),
    );
    pair("", "succeeded succeeded S, expired succeeded X", Sure('X', D::NamedRule));
    pair(done, "captured succeeded C 9/1, updated succeeded U 9/1", Flagged("C"));
}

#[test]
fn refunded_charges() {
    let pair = |events: &str, expect| pair("charge", "succeeded succeeded S", events, expect);
    pair("captured succeeded C, refunded succeeded R $10", Sure('R', D::NamedRule));
    pair("captured succeeded C, refunded succeeded R", Sure('R', D::NamedRule));
    pair("refunded succeeded R $500, refunded succeeded Q $700", Sure('Q', D::NamedRule));
    pair("refunded succeeded R $500, refunded succeeded Q $500", Flagged("RQ"));
    pair("refunded succeeded R $500, updated succeeded S>B", Sure('R', D::NamedRule));
    pair("refunded succeeded R $500, updated succeeded R>B $500", Sure('B', D::Walk));
    pair("refunded succeeded R $500, updated succeeded R>B", Sure('B', D::Walk));
    pair("refunded succeeded R $500, updated succeeded B $500", Flagged("R"));
    // One refund failed, and another of the same amount was made: back to where the second began.
    pair("updated succeeded S>B, refunded succeeded S $500", Sure('S', D::NamedRule));
    // One was made, and another failed.
    pair("refunded succeeded R $500, updated succeeded R>B $100", Sure('B', D::Walk));
    let around = "updated succeeded S>B, refunded succeeded R $5, updated succeeded R>T $5";
    pair(around, Sure('T', D::Walk));
}

#[test]
fn refunds() {
    let pair = |events: &str, expect| pair("refund", "", events, expect);
    let (created, twin) = ("created succeeded A", "charge.refund.updated succeeded A>B");
    pair(&format!("{created}, updated succeeded A>B"), Sure('B', D::Creation));
    pair(&format!("{created}, updated succeeded A>B, {twin}"), Sure('B', D::Creation));
    pair("updated succeeded P>S, updated failed S>F, failed failed F", Sure('F', D::Terminal));
    pair("charge.refund.updated failed E, failed failed F", Sure('F', D::NamedRule));
    pair("updated canceled C, updated failed F", Flagged("CF"));
}

#[test]
fn disputes() {
    let pair = |events: &str, expect| pair("charge.dispute", "", events, expect);
    let created = "created needs_response A";
    pair(&format!("{created}, funds_withdrawn needs_response A"), Sure('A', D::SameContent));
    pair(&format!("{created}, funds_withdrawn needs_response B 1/0"), Sure('B', D::Creation));
    pair("created lost A, closed lost B", Sure('B', D::Creation));
    pair("closed won A 1/0, funds_reinstated won B 2/0", Sure('B', D::Numbers));
    pair("closed won A 2/0, funds_reinstated won B 1/0", Sure('A', D::Numbers));
    pair("closed won A, funds_reinstated won B", Flagged("B"));
    pair("closed lost A, updated won B", Sure('B', D::Terminal));
    pair("updated needs_response A, updated under_review B", Sure('B', D::LifecycleRank));
    pair("updated under_review A 1/2, updated under_review B 1/1", Sure('A', D::Numbers));
    pair("updated needs_response O>A, updated needs_response A>B", Sure('B', D::Walk));
    pair("updated needs_response O>A, closed lost A>B", Sure('B', D::Terminal));
    pair("updated lost A, closed lost B", Sure('B', D::NamedRule));
    pair("funds_withdrawn needs_response A, updated needs_response B", Flagged("B"));
}

#[test]
fn customers_methods_and_catalog() {
    pair("customer", "", "created active A, updated active A>B", Sure('B', D::Creation));
    pair("customer", "", "updated active A>B, updated active B>C", Sure('C', D::Walk));
    pair("customer", "", "updated active A>B, deleted deleted A", Sure('A', D::Terminal));
    let (attached, updated) = ("attached attached A", "updated attached B");
    pair("payment_method", "", &format!("{attached}, {updated}"), Sure('B', D::Creation));
    let all = format!("{attached}, {updated}, detached detached C");
    pair("payment_method", "", &all, Sure('C', D::Terminal));
    pair("product", "", "created active A, updated active A>B", Sure('B', D::Creation));
    pair("product", "", "updated active A 8/0, updated active B 7/0", Sure('A', D::Numbers));
    pair("price", "", "updated inactive A, deleted deleted B", Sure('B', D::Terminal));
}

#[test]
fn sessions_schedules_and_the_rest() {
    let session = |events: &str, expect| pair("checkout.session", "", events, expect);
    let completed = "completed complete A stage";
    let paid = "async_payment_succeeded complete B final";
    session(&format!("{completed}, {paid}"), Sure('B', D::Terminal));
    session(&format!("{completed}, async_payment_failed complete B final"), Sure('B', D::Terminal));
    session(&format!("completed complete A final, {paid}"), Sure('B', D::NamedRule));
    session(&format!("{paid}, async_payment_failed complete C final"), Flagged("BC"));
    let schedule = |events: &str, expect| pair("subscription_schedule", "", events, expect);
    schedule("updated active A, released released B", Sure('B', D::Terminal));
    schedule("updated released A, released released B", Sure('B', D::NamedRule));
    schedule("updated active A, expiring active B", Sure('A', D::Change));
    pair("credit_note", "", "updated issued A, voided void B", Sure('B', D::Terminal));
    pair("review", "", "opened open A, closed closed B", Sure('B', D::Creation));
    pair("test_helpers.test_clock", "", "advancing advancing A, ready ready B", Flagged("B"));
}

#[test]
fn entitlements() {
    let ty = "entitlements.active_entitlement_summary";
    let list = |contents: &str| {
        let mut entry = event(ty, &format!("updated active {contents}"));
        entry.facts.status = None;
        entry
    };
    check("chain", &[], &[list("A>B"), list("B>C")], Sure('C', D::Walk));
    check("cut lists", &[], &[list("A>B cut"), list("B>C cut")], Flagged("BC"));
    check("one cut list", &[], &[list("A>B cut"), list("B>C")], Flagged("BC"));
    check("a cut list alone", &[], &[list("A>B cut")], Flagged("B"));
}
