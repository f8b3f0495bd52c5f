use super::samples::{FILE, PASSPHRASE};
use anyhow::{Context, Result};
use countersign_oath::Secret;
use countersign_oath::ocra::{self, DataInput, Question};
use countersign_oath::pskc::{self, Algorithm};
use std::path::Path;

/// What dave's device shows for a challenge: no common tool computes OCRA.
pub(super) fn respond(folder: &Path, challenge: &str) -> Result<String> {
    let file = folder.join(FILE);
    let text = std::fs::read(&file).with_context(|| {
        format!(
            "read {}; is a demo running on this directory?",
            file.display()
        )
    })?;
    let options = pskc::Options {
        passphrase: Some(Secret::new(PASSPHRASE)),
        ..pskc::Options::default()
    };
    let container =
        pskc::read(&text, &options).with_context(|| format!("read {}", file.display()))?;
    let device = container
        .packages
        .into_iter()
        .flatten()
        .find_map(|key| match &key.algorithm {
            Algorithm::Ocra(suite) => Some((suite.clone(), key.secret.clone())),
            _ => None,
        });
    let (suite, key) = device.context("find the challenge/response authenticator in the file")?;
    let response = ocra::compute(
        &suite,
        key.expose(),
        &DataInput::new(Question::Single(challenge)),
    )?;
    Ok(response
        .code()
        .context("compute the response")?
        .as_str()
        .to_owned())
}
