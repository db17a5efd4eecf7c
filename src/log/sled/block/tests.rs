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

/// As version 1 wrote it.
fn unframed() -> Vec<u8> {
    let text = "01 0000000000000004 00000003 \
        0000000000000005 00000005 00000064 \
        0000000000000009 00000000 00011170 \
        000000000000000a 00000005 00000007 \
        81fc60ba 6669727374 7468697264";
    hex::decode(text.replace(' ', "")).unwrap()
}

#[test]
fn version_2_is_frozen() {
    let expected = "02 0000000000000004 00000003 00000001 \
        0000000000000005 00000005 00000064 \
        0000000000000009 00000000 00011170 \
        000000000000000a 00000005 00000007 \
        00000003 00 0000000a \
        0f36ca1f 6669727374 7468697264";
    assert_eq!(hex::encode(block()), expected.replace(' ', ""));
}

#[test]
fn a_directory_says_where_each_record_lies() {
    for bytes in [unframed(), block()] {
        let directory = Directory::read(&bytes).unwrap();
        assert_eq!((directory.records_before, directory.items.len(), directory.bytes), (4, 3, bytes.len()));
        let block = Block::new(Position::new(5), directory, bytes.into());
        for (position, raw_bytes, record) in [(5, 100, "first"), (9, 70_000, ""), (10, 7, "third")] {
            let item = block.directory.find(Position::new(position)).unwrap();
            let encoded = block.encoded(item);
            assert_eq!((encoded.position().get(), encoded.raw_bytes()), (position, raw_bytes));
            assert_eq!(&*encoded.bytes().unwrap(), record.as_bytes());
        }
        assert_eq!(block.directory.find(Position::new(6)), None);
    }
}

#[test]
fn every_changed_bit_and_every_cut_of_the_directory_is_noticed() {
    for (block, records_bytes) in [(unframed(), 10), (block(), 10)] {
        let directory_bytes = block.len() - records_bytes;
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
}

#[test]
fn frames_that_do_not_fit_their_records_are_refused() {
    #[track_caller]
    fn check(change: impl Fn(&mut Vec<u8>)) {
        let mut block = block();
        block.truncate(HEAD_BYTES + 3 * ITEM_BYTES + SPAN_BYTES);
        change(&mut block);
        let crc = crc32fast::hash(&block);
        block.extend_from_slice(&crc.to_be_bytes());
        assert_eq!(Directory::read(&block), Err(MISFIT));
    }
    let spans = HEAD_BYTES + 3 * ITEM_BYTES;
    check(|block| block[spans + 3] = 2);
    check(|block| block[spans + 3] = 4);
    // Three records that claim to be longer than a frame of several.
    check(|block| block[HEAD_BYTES + 9] = 1);
}

#[test]
fn frames_hold_few_records_or_a_long_one() {
    let mut builder = BlockBuilder::default();
    let record = |n: u64, bytes: usize| crate::log::tests::json(n, bytes);
    let lengths = [900; 9].into_iter().chain([40_000, 40_000, 300, 2_000_000, 300]);
    let mut records = Vec::new();
    for (position, length) in (1..).zip(lengths) {
        let record = record(position, length);
        builder.push(Position::new(position), 7, &record);
        records.push(record);
    }
    let (first, bytes) = builder.finish(0).unwrap();
    let directory = Directory::read(&bytes).unwrap();
    let frames: Vec<_> = directory.items.iter().map(|item| item.frame.unwrap()).collect();
    assert_eq!(frames, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 4]);
    let block = Block::new(first, directory, bytes.into());
    for (item, record) in block.directory.items.iter().zip(&records) {
        assert_eq!(block.encoded(item).bytes().unwrap(), record.as_slice());
    }
}

#[test]
fn a_block_takes_one_record_of_any_length_and_else_what_fits() {
    let mut builder = BlockBuilder::default();
    assert!(builder.has_room(5 * VALUE_BYTES_MAX));
    // Noise cannot be packed.
    let record = crate::log::tests::noise(1, VALUE_BYTES_MAX / 2 - 50);
    builder.push(Position::new(1), 1, &record);
    assert!(builder.has_room(record.len()));
    assert!(!builder.has_room(record.len() + 30));
    builder.push(Position::new(2), 1, &record);
    assert!(builder.finish(0).unwrap().1.len() <= VALUE_BYTES_MAX);
}
