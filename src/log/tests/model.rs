//! Random histories, reopening included: the sled log behaves as the simple twin does.

use proptest::prelude::*;

use super::twins::{Memory, Sled, Twin};
use super::{event, json};
use crate::log::{EventLog, NewRecord, Position, Provider, RecordId};
use crate::model::time::Millis;

#[derive(Debug, Clone)]
enum Operation {
    /// Event numbers with when they came and the body's length; few numbers, so that duplicates are common.
    Append(Vec<(u8, i64, usize)>),
    Read {
        after: u64,
        max: usize,
    },
    Find(u8),
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    let record = (0..40_u8, 0..50_i64, prop_oneof![4 => 0..4_000_usize, 1 => 150_000..500_000_usize]);
    prop_oneof![
        4 => prop::collection::vec(record, 0..12).prop_map(Operation::Append),
        2 => (0..60_u64, 0..20_usize).prop_map(|(after, max)| Operation::Read { after, max }),
        1 => (0..40_u8).prop_map(Operation::Find),
        1 => Just(Operation::Reopen),
    ]
}

/// Odd numbers are quarantined.
fn id(number: u8) -> RecordId {
    if number % 2 == 1 { RecordId::Quarantine([number; 32]) } else { event(number.into(), b"").id }
}

fn record((number, time, bytes): (u8, i64, usize)) -> NewRecord {
    let body = json(bytes as u64, bytes);
    NewRecord { id: id(number), received_at: Millis(time), ..event(number.into(), &body) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sled_does_what_memory_does(operations in prop::collection::vec(operation(), 1..25)) {
        let mut sled = Sled::<2>::new();
        let memory = Memory::new();
        for operation in operations {
            match operation {
                Operation::Append(records) => {
                    let records: Vec<_> = records.into_iter().map(record).collect();
                    let outcome = sled.log().append(records.clone()).wait().unwrap();
                    prop_assert_eq!(outcome, memory.log().append(records).wait().unwrap());
                }
                Operation::Read { after, max } => {
                    let after = Position::new(after);
                    prop_assert_eq!(sled.log().read(after, max).unwrap(), memory.log().read(after, max).unwrap());
                }
                Operation::Find(number) => {
                    let found = sled.log().find(Provider::Stripe, &id(number)).unwrap();
                    prop_assert_eq!(found, memory.log().find(Provider::Stripe, &id(number)).unwrap());
                }
                Operation::Reopen => sled.reopen(),
            }
            prop_assert_eq!(sled.log().head(), memory.log().head());
        }
    }
}
