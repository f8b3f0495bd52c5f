//! An enrolment by QR code: a phone becomes an authenticator.

use super::samples::done;
use crate::client::Client;
use anyhow::{Context, Result};
use qrcodegen::{QrCode, QrCodeEcc};
use serde_json::{Value, json};
use std::fmt::Write;

const USER: &str = "erin";

/// What the phone is shown.
pub(super) struct Phone {
    uri: String,
}

/// Makes a user with a TOTP authenticator whose key a phone can take.
pub(super) async fn enrol(client: &mut Client) -> Result<Phone> {
    done(client, "user", "create", json!({"user": USER})).await?;
    let made = done(
        client,
        "authenticator",
        "create",
        json!({"algorithm": "TOTP"}),
    )
    .await?;
    let text = |wanted: fn(&str) -> bool| {
        made.values()
            .filter_map(Value::as_str)
            .find(|text| wanted(text))
            .map(str::to_owned)
    };
    let uri = text(|text| text.starts_with("otpauth://"))
        .context("read the otpauth URI of the new authenticator")?;
    let serial = made
        .get("serial")
        .and_then(Value::as_str)
        .context("read the serial of the new authenticator")?;
    done(
        client,
        "authenticator",
        "assign",
        json!({"serial": serial, "user": USER}),
    )
    .await?;
    Ok(Phone { uri })
}

impl Phone {
    /// The QR code and its URI.
    pub(super) fn page(&self) -> Result<String> {
        Ok(format!(
            "A phone for {USER}: scan this with an authenticator app (or copy the URI below), then log on as {USER} with the code it shows.\n\n{}\n{}\n\n",
            picture(&self.uri)?,
            self.uri
        ))
    }
}

/// A QR code of half blocks, dark on light whatever the colours of the terminal.
fn picture(text: &str) -> Result<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).context("draw the QR code")?;
    let quiet = 2;
    let size = code.size();
    let mut out = String::new();
    for row in (-quiet..size + quiet).step_by(2) {
        out.push_str("\x1b[30;107m");
        for column in -quiet..size + quiet {
            out.push(
                match (
                    code.get_module(column, row),
                    code.get_module(column, row + 1),
                ) {
                    (true, true) => '\u{2588}',
                    (true, false) => '\u{2580}',
                    (false, true) => '\u{2584}',
                    (false, false) => ' ',
                },
            );
        }
        let _ = writeln!(out, "\x1b[0m"); // a String takes everything
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_fits_a_terminal() {
        let page = Phone { uri: "otpauth://totp/Countersign:erin?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Countersign&digits=6&period=30".into() }.page().unwrap();
        let widest = page
            .lines()
            .filter(|line| line.starts_with('\x1b'))
            .map(|line| line.chars().count())
            .max();
        assert!(widest.is_some_and(|width| width <= 80), "{widest:?}");
    }
}
