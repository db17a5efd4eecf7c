//! Bytes as stored: as they are, or one zstd frame with the dictionary.
//!
//! Never decompresses past the length that was stated.

use std::borrow::Cow;
use std::sync::{LazyLock, Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::find_frame_compressed_size;

pub(super) const RAW: u8 = 0;
const ZSTD_DICTIONARY_1: u8 = 1;

/// Higher levels gain little and cost appends.
const LEVEL: i32 = 1;

/// How a zstd frame begins.
pub(in crate::log) const ZSTD_SIGN: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// How many contexts (about a megabyte each) stay ready. More threads than that make their own and drop it.
const CONTEXTS_MAX: usize = 16;

static DICTIONARY_1: &[u8] = include_bytes!("../dictionary-1.zstd");
static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY_1, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_1));
static COMPRESSORS: Mutex<Vec<Compressor<'static>>> = Mutex::new(Vec::new());
static DECOMPRESSORS: Mutex<Vec<Decompressor<'static>>> = Mutex::new(Vec::new());

/// The bytes as they are stored, and how. What compression does not make smaller stays as it is; so does everything if
/// compression should fail.
pub(in crate::log) fn pack(raw: &[u8]) -> (u8, Cow<'_, [u8]>) {
    match compress(raw) {
        Some(bytes) if bytes.len() < raw.len() => (ZSTD_DICTIONARY_1, Cow::Owned(bytes)),
        _ => (RAW, Cow::Borrowed(raw)),
    }
}

/// The `length` bytes that were packed, or what does not fit. The caller bounds `length`.
pub(in crate::log) fn unpack(
    encoding: u8,
    length: usize,
    stored: &[u8],
) -> Result<Cow<'_, [u8]>, &'static str> {
    let raw = match encoding {
        RAW => Cow::Borrowed(stored),
        ZSTD_DICTIONARY_1 => Cow::Owned(decompress(stored, length).ok_or("it cannot be decompressed")?),
        _ => return Err("its encoding is unknown"),
    };
    if raw.len() == length { Ok(raw) } else { Err("it has another length than is said") }
}

/// The packed bytes that begin here, if they say that they are, and how many bytes they are stored in.
pub(in crate::log) fn unpack_at(bytes: &[u8], length_max: usize) -> Option<(Vec<u8>, usize)> {
    if !bytes.starts_with(&ZSTD_SIGN) {
        return None;
    }
    let end = find_frame_compressed_size(bytes).ok()?;
    let stored = bytes.get(..end)?;
    Some((decompress(stored, length_max)?, end))
}

fn compress(raw: &[u8]) -> Option<Vec<u8>> {
    let mut context = match take(&COMPRESSORS) {
        Some(context) => context,
        None => Compressor::with_prepared_dictionary(&ENCODER).ok()?,
    };
    let compressed = context.compress(raw).ok()?;
    give(&COMPRESSORS, context);
    Some(compressed)
}

fn decompress(stored: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut context = match take(&DECOMPRESSORS) {
        Some(context) => context,
        None => Decompressor::with_prepared_dictionary(&DECODER).ok()?,
    };
    let raw = context.decompress(stored, length).ok()?;
    give(&DECOMPRESSORS, context);
    Some(raw)
}

fn take<T>(pool: &Mutex<Vec<T>>) -> Option<T> {
    pool.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// A context that failed is dropped instead: its state is unknown.
fn give<T>(pool: &Mutex<Vec<T>>, context: T) {
    let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
    if pool.len() < CONTEXTS_MAX {
        pool.push(context);
    }
}
