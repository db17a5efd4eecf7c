use super::*;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Chunks, one a poll; none stands for a sender who stops.
struct Chunks(Vec<Option<Result<Vec<u8>, ()>>>);

impl Stream for Chunks {
    type Item = Result<std::io::Cursor<Vec<u8>>, ()>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.first() {
            None => Poll::Ready(None),
            Some(None) => Poll::Pending,
            Some(Some(_)) => Poll::Ready(self.0.remove(0).map(|chunk| chunk.map(std::io::Cursor::new))),
        }
    }
}

fn chunks(sizes: &[usize]) -> Chunks {
    Chunks(sizes.iter().map(|size| Some(Ok(vec![b'x'; *size]))).collect())
}

fn allowance(bytes_max: usize) -> Allowance {
    Allowance { bytes_max, within: Duration::from_secs(15), shares: shares(128 * 1024) }
}

#[track_caller]
fn check(body: Chunks, declared: Option<u64>, bytes_max: usize, expected: Result<usize, BodyError>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let allowance = allowance(bytes_max);
    let found = runtime.block_on(read(body, declared, &allowance));
    assert_eq!(found.map(|received| received.bytes.len()), expected);
    assert_eq!(allowance.shares.available_permits(), 2, "every share is given back");
}

#[test]
fn bytes_are_counted_as_they_come() {
    check(chunks(&[]), None, 10, Ok(0));
    check(chunks(&[10]), Some(10), 10, Ok(10));
    check(chunks(&[4, 0, 6]), None, 10, Ok(10));
    check(chunks(&[11]), Some(11), 10, Err(BodyError::TooLarge));
    check(chunks(&[5, 5, 1]), None, 10, Err(BodyError::TooLarge));
    check(chunks(&[5, 5, 1, 1_000_000]), None, 10, Err(BodyError::TooLarge));
    check(chunks(&[11]), Some(3), 10, Err(BodyError::TooLarge));
}

#[test]
fn a_body_declared_far_too_long_is_not_read() {
    let never = Chunks(vec![None]);
    check(never, Some(21), 10, Err(BodyError::TooLarge));
    check(Chunks(vec![None]), Some(u64::MAX), 10, Err(BodyError::TooLarge));
}

#[test]
fn a_sender_who_stops_is_not_waited_for() {
    check(Chunks(vec![Some(Ok(vec![1])), None]), Some(10), 10, Err(BodyError::TooSlow));
    check(Chunks(vec![Some(Ok(vec![1])), Some(Err(()))]), Some(10), 10, Err(BodyError::Broken));
}

#[test]
fn large_bodies_share_the_memory() {
    check(chunks(&[128 * 1024]), None, 1_000_000, Ok(128 * 1024));
    check(chunks(&[192 * 1024 - 1]), None, 1_000_000, Ok(192 * 1024 - 1));
    check(chunks(&[192 * 1024]), None, 1_000_000, Err(BodyError::NoRoom));
}
