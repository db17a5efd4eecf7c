//! Products, prices, discounts, entitlements.

use super::{Key, Node, created};
use crate::model::catalog::{Discount, Entitlement, Entitlements, Price, Product};

/// A deleted product may be no more than its id.
pub(super) fn product(object: &Node<'_>) -> Product {
    Product {
        created: created(object),
        updated: object.seconds(Key::updated),
        name: object.text(Key::name),
        active: object.is(Key::active),
        default_price: object.id(Key::default_price),
        metadata: object.metadata(),
    }
}

/// A deleted price may be no more than its id.
pub(super) fn price(object: &Node<'_>) -> Price {
    let recurring = object.at(Key::recurring);
    Price {
        created: created(object),
        product: object.id(Key::product),
        active: object.is(Key::active),
        currency: object.currency(),
        unit_amount: object.int(Key::unit_amount),
        unit_amount_decimal: object.text(Key::unit_amount_decimal),
        price_type: object.text(Key::r#type),
        interval: recurring.text(Key::interval),
        interval_count: recurring.int(Key::interval_count),
        usage_type: recurring.text(Key::usage_type),
        billing_scheme: object.text(Key::billing_scheme),
        tiers_mode: object.text(Key::tiers_mode),
        lookup_key: object.text(Key::lookup_key),
        nickname: object.text(Key::nickname),
        metadata: object.metadata(),
    }
}

pub(super) fn discount(object: &Node<'_>) -> Discount {
    // Inside `source` since clover.
    let coupon = object.at(Key::source).at(Key::coupon).or(object.at(Key::coupon));
    Discount {
        customer: object.id(Key::customer),
        subscription: object.id(Key::subscription),
        coupon: coupon.as_id(),
        promotion_code: object.id(Key::promotion_code),
        start: object.seconds(Key::start),
        end: object.seconds(Key::end),
    }
}

/// Sorted, for the provider's order means nothing. A feature is its id or the whole object.
pub(super) fn entitlements(object: &Node<'_>) -> Entitlements {
    let page = object.at(Key::entitlements);
    let read = |entry: &Node<'_>| {
        let feature = entry.at(Key::feature);
        let lookup_key = entry.at(Key::lookup_key).or(feature.at(Key::lookup_key));
        Some(Entitlement { lookup_key: lookup_key.as_str()?.into(), feature: feature.as_id() })
    };
    let mut active: Vec<_> = page.list().iter().filter_map(read).collect();
    active.sort_unstable();
    active.dedup();
    Entitlements { customer: object.id(Key::customer), active, truncated: page.is(Key::has_more) }
}
