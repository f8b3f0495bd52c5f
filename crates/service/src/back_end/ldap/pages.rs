//! Long answers, page by page (RFC 2696).

use super::pool::Lease;
use super::wire::{Control, Entry, Search};
use std::time::Duration;
use tokio::time::Instant;

/// Entries of one page.
const SIZE: i32 = 500;
/// Pages of one answer, against one that has no end.
const MOST: usize = 20_000;

/// Passes every entry of an answer on, in the order in which they come. References are not followed; the first is
/// answered. With a `pace` each
/// page has that much time, else all have what the question has.
///
/// # Errors
/// The directory, or whoever takes the entries.
pub(super) async fn read(
    lease: &mut Lease<'_>,
    search: &Search,
    pace: Option<Duration>,
    mut each: impl FnMut(Entry) -> Result<(), String>,
) -> Result<Option<String>, String> {
    let mut cookie = Vec::new();
    let mut reference = None;
    for _ in 0..MOST {
        pace.into_iter()
            .for_each(|pace| lease.until(Instant::now() + pace));
        let found = lease
            .search_with(search, &[Control::page(SIZE, &cookie)])
            .await?;
        let end = found.end;
        reference = reference.or_else(|| found.references.into_iter().next());
        found.entries.into_iter().try_for_each(&mut each)?;
        if !end.outcome.is_success() {
            return Err(format!("search: {}", end.outcome));
        }
        match Control::next_page(&end.controls) {
            None => return Ok(reference),
            Some(next) => cookie = next,
        }
    }
    Err("search: the answer has no end".to_owned())
}
