//! What a directory answers to a profile, before anything is done with it.

use super::{Ended, Job};
use serde_json::{Map, Value, json};

/// Entries that are shown.
const SHOWN: usize = 10;
/// Entries with something wrong that are shown.
const PROBLEMS: usize = 50;

/// Reads the whole directory; counts entries, shows the first ones and those with something wrong.
pub(super) async fn validate(job: &mut Job, result: &mut Map<String, Value>) -> Result<(), Ended> {
    let (mut matches, mut unusable, mut warned) = (0_u64, 0_u64, 0_u64);
    let (mut shown, mut problems) = (Vec::new(), Vec::new());
    let mut pages = job.pages()?;
    while let Some(page) = job.next(&mut pages).await? {
        matches += page.len() as u64;
        for entry in &page {
            if shown.len() < SHOWN {
                shown.push(Value::Object(entry.to_json()));
            }
            unusable += u64::from(entry.user.is_none());
            if entry.warnings.is_empty() {
                continue;
            }
            warned += 1;
            if problems.len() < PROBLEMS {
                problems
                    .push(json!({"dn": entry.dn, "user": entry.user, "problems": entry.warnings}));
            }
        }
    }
    pages.end().await.map_err(|why| job.unreachable(&why))?;
    result.insert("profile".to_owned(), json!(job.order.profile.name));
    result.insert("entries".to_owned(), json!(matches));
    result.insert("without_user_id".to_owned(), json!(unusable));
    result.insert("with_problems".to_owned(), json!(warned));
    result.insert("attributes".to_owned(), json!(job.order.names.attributes()));
    result.insert("first".to_owned(), Value::Array(shown));
    result.insert("problems".to_owned(), Value::Array(problems));
    Ok(())
}
