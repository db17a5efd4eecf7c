use super::*;

fn block() -> Vec<u8> {
    let mut builder = BlockBuilder::default();
    builder.push(Position::new(5), 100, b"first");
    builder.push(Position::new(9), 70_000, b"");
    builder.push(Position::new(10), 7, b"third");
    let (first, block) = builder.finish(4).unwrap();
    assert_eq!(first, Position::new(5));
    assert_eq!(builder.finish(4), None, "it starts over");
    block
}

#[test]
fn version_1_is_frozen() {
    let expected = "01 0000000000000004 00000003 \
        0000000000000005 00000005 00000064 \
        0000000000000009 00000000 00011170 \
        000000000000000a 00000005 00000007 \
        81fc60ba 6669727374 7468697264";
    assert_eq!(hex::encode(block()), expected.replace(' ', ""));
}

#[test]
fn a_directory_says_where_each_record_lies() {
    let block = block();
    let directory = Directory::read(&block).unwrap();
    assert_eq!((directory.records_before, directory.items.len(), directory.bytes), (4, 3, block.len()));
    for (position, raw_bytes, record) in [(5, 100, "first"), (9, 70_000, ""), (10, 7, "third")] {
        let item = directory.find(Position::new(position)).unwrap();
        assert_eq!((item.raw_bytes, &block[item.range.clone()]), (raw_bytes, record.as_bytes()));
    }
    assert_eq!(directory.find(Position::new(6)), None);
}

#[test]
fn every_changed_bit_and_every_cut_of_the_directory_is_noticed() {
    let block = block();
    let directory_bytes = HEAD_BYTES + 3 * ITEM_BYTES + CRC_BYTES;
    for at in 0..directory_bytes {
        for bit in 0..8 {
            let mut changed = block.clone();
            changed[at] ^= 1 << bit;
            assert!(Directory::read(&changed).is_err(), "bit {bit} of byte {at}");
        }
        assert_eq!(Directory::read(&block[..at]), Err("its block is cut short"));
    }
    // The records themselves are another file's business.
    assert!(Directory::read(&block[..directory_bytes]).is_ok());
}

#[test]
fn a_block_takes_one_record_of_any_length_and_else_what_fits() {
    let mut builder = BlockBuilder::default();
    assert!(builder.has_room(5 * VALUE_BYTES_MAX));
    let record = vec![0; VALUE_BYTES_MAX / 2 - 30];
    builder.push(Position::new(1), 1, &record);
    assert!(builder.has_room(record.len()));
    assert!(!builder.has_room(record.len() + 20));
    builder.push(Position::new(2), 1, &record);
    assert!(builder.finish(0).unwrap().1.len() <= VALUE_BYTES_MAX);
}
