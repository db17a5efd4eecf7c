//! Short stories with a name: what is done, and what must have come of it.
//!
//! The dice still decide the details. A story is played until the details fit, and the shortest of the first fitting
//! plays is taken, so that a name and a seed always give the same events.

use super::person::Person;
use super::{Id, World};
use crate::model::kind::ObjectKind;

/// Something that is done to a person of the world.
pub(super) type Act = fn(&mut World, &mut Person);

/// A new subscription, through Checkout or the API.
pub(super) fn subscribe(world: &mut World, person: &mut Person) {
    world.subscribe(person);
}

/// The next thing that happens to the subscription, by its status.
pub(super) fn live_on(world: &mut World, person: &mut Person) {
    if let Some(subscription) = person.subscriptions.last().cloned() {
        world.live_on(person, &subscription);
    }
}

/// The next period begins.
pub(super) fn renew(world: &mut World, person: &mut Person) {
    if let Some(subscription) = active(world, person) {
        world.renew(person, &subscription);
    }
}

/// Another plan.
pub(super) fn upgrade(world: &mut World, person: &mut Person) {
    if let Some(subscription) = active(world, person) {
        world.upgrade(person, &subscription);
    }
}

/// Asked to end with the period.
pub(super) fn plan_cancel(world: &mut World, person: &mut Person) {
    if let Some(subscription) = active(world, person) {
        world.plan_cancel(&subscription);
    }
}

/// Ended at once.
pub(super) fn cancel(world: &mut World, person: &mut Person) {
    if let Some(subscription) = active(world, person) {
        world.pass(60);
        world.act(true);
        world.cancel_now(&subscription, "cancellation_requested");
    }
}

/// Nothing is collected for a while.
pub(super) fn pause_collection(world: &mut World, person: &mut Person) {
    if let Some(subscription) = active(world, person) {
        world.pause_collection(&subscription);
    }
}

/// Something bought once.
pub(super) fn buy(world: &mut World, person: &mut Person) {
    if let Some(method) = person.method.clone() {
        world.one_off(&person.customer, &method);
    }
}

/// Money held first and taken later.
pub(super) fn hold(world: &mut World, person: &mut Person) {
    if let Some(method) = person.method.clone() {
        world.held(&person.customer, &method);
    }
}

/// Money goes back.
pub(super) fn refund(world: &mut World, _: &mut Person) {
    later(world, World::refunds);
}

/// The payer disputes.
pub(super) fn dispute(world: &mut World, _: &mut Person) {
    later(world, World::dispute);
}

/// The issuer warns.
pub(super) fn warn(world: &mut World, _: &mut Person) {
    later(world, World::fraud_warning);
}

/// A person looks at a payment.
pub(super) fn review(world: &mut World, _: &mut Person) {
    later(world, World::review);
}

/// An invoice is corrected.
pub(super) fn credit(world: &mut World, _: &mut Person) {
    later(world, |world, charge| {
        let invoice = world.text(charge, "_invoice");
        world.credit_note(&invoice);
    });
}

/// An invoice written by hand.
pub(super) fn bill(world: &mut World, person: &mut Person) {
    world.manual_invoice(&person.customer);
}

/// Small changes of the customer.
pub(super) fn rename(world: &mut World, person: &mut Person) {
    world.rename(person);
}

/// Another card.
pub(super) fn change_card(world: &mut World, person: &mut Person) {
    world.change_card(person);
}

/// The customer goes.
pub(super) fn delete(world: &mut World, person: &mut Person) {
    world.pass(60);
    world.delete(person);
}

/// Features to use.
pub(super) fn entitle(world: &mut World, person: &mut Person) {
    world.entitle(person);
}

/// A schedule for the subscription.
pub(super) fn schedule(world: &mut World, person: &mut Person) {
    if let Some(subscription) = active(world, person) {
        world.schedule(&person.customer, &subscription);
    }
}

/// A coupon.
pub(super) fn discount(world: &mut World, person: &mut Person) {
    world.discount(person);
}

/// Products and prices.
pub(super) fn sell(world: &mut World, _: &mut Person) {
    world.sell();
}

/// Simulated time.
pub(super) fn run_clock(world: &mut World, _: &mut Person) {
    world.run_clock();
}

fn active(world: &World, person: &Person) -> Option<Id> {
    let is_active = |id: &&Id| world.text(id, "status") == "active";
    person.subscriptions.iter().rfind(is_active).cloned()
}

/// An hour later, something happens to a payment that was made.
fn later(world: &mut World, what: fn(&mut World, &str)) {
    let things = world.things.iter();
    let paid = |id: &str| world.int(id, "amount_captured") > 0;
    let mut charges = things.filter(|(id, thing)| thing.kind == ObjectKind::Charge && paid(id));
    if let Some(charge) = charges.next().map(|(id, _)| id.clone()) {
        world.pass(3_600);
        what(world, &charge);
    }
}
