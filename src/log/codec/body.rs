//! A body as stored: raw, or one zstd frame with the dictionary.
//!
//! Never decompresses past the length the record states.

use std::sync::{LazyLock, Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use super::BODY_BYTES_MAX;

const RAW: u8 = 0;
const ZSTD_DICTIONARY_1: u8 = 1;

/// Higher levels gain little and cost appends.
const LEVEL: i32 = 1;

/// How many contexts (about a megabyte each) stay ready. More threads than that make their own and drop it.
const CONTEXTS_MAX: usize = 16;

static DICTIONARY_1: &[u8] = include_bytes!("../dictionary-1.zstd");
static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY_1, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_1));
static COMPRESSORS: Mutex<Vec<Compressor<'static>>> = Mutex::new(Vec::new());
static DECOMPRESSORS: Mutex<Vec<Decompressor<'static>>> = Mutex::new(Vec::new());

pub(super) struct StoredBody {
    pub(super) encoding: u8,
    pub(super) raw_bytes: u32,
    pub(super) bytes: Box<[u8]>,
}

impl std::fmt::Debug for StoredBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} bytes>", self.raw_bytes)
    }
}

impl StoredBody {
    /// What compression does not make smaller stays raw; so does everything if compression should fail.
    pub(super) fn new(raw: &[u8]) -> Self {
        let raw_bytes = u32::try_from(raw.len()).unwrap_or(u32::MAX);
        match compress(raw) {
            Some(bytes) if bytes.len() < raw.len() => {
                Self { encoding: ZSTD_DICTIONARY_1, raw_bytes, bytes: bytes.into() }
            }
            _ => Self { encoding: RAW, raw_bytes, bytes: raw.into() },
        }
    }
}

/// The raw body of `raw_bytes` bytes, or what does not fit.
pub(super) fn open(encoding: u8, raw_bytes: u32, stored: &[u8]) -> Result<Vec<u8>, &'static str> {
    let length = usize::try_from(raw_bytes).unwrap_or(usize::MAX);
    if length > BODY_BYTES_MAX {
        return Err("its body is longer than any that was taken");
    }
    let raw = match encoding {
        RAW => stored.to_vec(),
        ZSTD_DICTIONARY_1 => decompress(stored, length).ok_or("its body cannot be decompressed")?,
        _ => return Err("its body encoding is unknown"),
    };
    if raw.len() == length { Ok(raw) } else { Err("its body has another length") }
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
