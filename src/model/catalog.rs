//! What is sold and what a customer may use of it: products, prices, discounts, entitlements.

use serde::{Deserialize, Serialize};

use super::id::ObjectId;
use super::money::Currency;
use super::private::Metadata;
use super::time::Seconds;

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Product {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// When the provider last changed it: the one object that says so itself.
    pub updated: Option<Seconds>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// On sale. Not deleted when false.
    pub active: bool,
    /// Its usual price.
    pub default_price: Option<ObjectId>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Price {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Of which product.
    pub product: Option<ObjectId>,
    /// In use. Not deleted when false.
    pub active: bool,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Minor units a unit; none when tiered or a fraction.
    pub unit_amount: Option<i64>,
    /// The same as decimal text, with up to 12 places.
    pub unit_amount_decimal: Option<Box<str>>,
    /// `one_time` or `recurring`.
    pub price_type: Option<Box<str>>,
    /// `day`, `week`, `month`, `year`.
    pub interval: Option<Box<str>>,
    /// Intervals a period.
    pub interval_count: Option<i64>,
    /// `licensed` or `metered`.
    pub usage_type: Option<Box<str>>,
    /// `per_unit` or `tiered`.
    pub billing_scheme: Option<Box<str>>,
    /// `graduated` or `volume`.
    pub tiers_mode: Option<Box<str>>,
    /// The merchant's name for it.
    pub lookup_key: Option<Box<str>>,
    /// The merchant's note.
    pub nickname: Option<Box<str>>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

/// A coupon at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Discount {
    /// For whom.
    pub customer: Option<ObjectId>,
    /// On which subscription, if on one.
    pub subscription: Option<ObjectId>,
    /// Which coupon.
    pub coupon: Option<ObjectId>,
    /// By which promotion code.
    pub promotion_code: Option<ObjectId>,
    /// First second.
    pub start: Option<Seconds>,
    /// Last second; none without end.
    pub end: Option<Seconds>,
}

/// All that a customer may use, by feature. Each event replaces the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Entitlements {
    /// Whose.
    pub customer: Option<ObjectId>,
    /// The features, sorted by lookup key.
    pub active: Vec<Entitlement>,
    /// The provider cut the list: it proves presence, not absence.
    pub truncated: bool,
}

/// One feature that may be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Entitlement {
    /// The merchant's name for the feature.
    pub lookup_key: Box<str>,
    /// The feature.
    pub feature: Option<ObjectId>,
}
