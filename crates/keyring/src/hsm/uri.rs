//! Addresses of keys in an HSM: PKCS#11 URIs (RFC 7512) with `module-path` and `pin-source`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use countersign_oath::Secret;

use super::HsmError;
use crate::secret_file::{self, FileError};

/// Most bytes of an address.
const MAX_LEN: usize = 2048;
const SCHEME: &str = "pkcs11:";

/// Where one copy of a master key is: a module, a token there, a key on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HsmUri {
    text: String,
    pub(super) module: PathBuf,
    pub(super) token: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) slot: Option<u64>,
    pub(super) object: Option<String>,
    pub(super) id: Option<Vec<u8>>,
    pin: Option<PinFrom>,
}

/// Where a PIN comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PinFrom {
    Env(String),
    File(PathBuf),
}

impl fmt::Display for PinFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

impl fmt::Display for HsmUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for HsmUri {
    type Err = HsmError;

    fn from_str(text: &str) -> Result<Self, HsmError> {
        let rest = text
            .strip_prefix(SCHEME)
            .filter(|_| text.len() <= MAX_LEN)
            .ok_or_else(|| HsmError::Address(format!("it must begin with {SCHEME}")))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut read = Reading::default();
        for (name, value) in attributes(path, ';')? {
            read.path_attribute(&name, value)?;
        }
        for (name, value) in attributes(query, '&')? {
            read.query_attribute(&name, value)?;
        }
        read.finish(text)
    }
}

/// Reads a list of addresses, separated by blanks.
pub(crate) fn list(text: &str) -> Result<Vec<HsmUri>, HsmError> {
    let all = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<Vec<HsmUri>, _>>()?;
    if all.is_empty() {
        return Err(HsmError::Address("there is none".to_owned()));
    }
    Ok(all)
}

type Attribute = (String, Vec<u8>);

fn attributes(text: &str, separator: char) -> Result<Vec<Attribute>, HsmError> {
    let pairs = text.split(separator).filter(|part| !part.is_empty());
    pairs
        .map(|part| {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| HsmError::Address("an attribute has no value".to_owned()))?;
            Ok((name.to_owned(), decoded(name, value)?))
        })
        .collect()
}

/// Undoes percent-encoding.
fn decoded(name: &str, value: &str) -> Result<Vec<u8>, HsmError> {
    let malformed = || HsmError::Address(format!("{name} has a broken %-sequence"));
    let mut bytes = value.bytes();
    let mut out = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = (digit(bytes.next()), digit(bytes.next()));
        let value = high
            .zip(low)
            .map(|(high, low)| high * 16 + low)
            .ok_or_else(malformed)?;
        out.push(u8::try_from(value).map_err(|_| malformed())?);
    }
    Ok(out)
}

fn word(name: &str, value: Vec<u8>) -> Result<String, HsmError> {
    String::from_utf8(value).map_err(|_| HsmError::Address(format!("{name} is not UTF-8")))
}

#[derive(Default)]
struct Reading {
    module: Option<PathBuf>,
    token: Option<String>,
    serial: Option<String>,
    manufacturer: Option<String>,
    model: Option<String>,
    slot: Option<u64>,
    object: Option<String>,
    id: Option<Vec<u8>>,
    pin: Option<PinFrom>,
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), HsmError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(HsmError::Address(format!("{name} is there twice"))),
    }
}

impl Reading {
    fn path_attribute(&mut self, name: &str, value: Vec<u8>) -> Result<(), HsmError> {
        let text = |value| word(name, value);
        match name {
            "token" => once(&mut self.token, name, text(value)?),
            "serial" => once(&mut self.serial, name, text(value)?),
            "manufacturer" => once(&mut self.manufacturer, name, text(value)?),
            "model" => once(&mut self.model, name, text(value)?),
            "object" => once(&mut self.object, name, text(value)?),
            "id" => once(&mut self.id, name, value),
            "slot-id" => {
                let number = text(value)?
                    .parse()
                    .map_err(|_| HsmError::Address("slot-id is no number".to_owned()))?;
                once(&mut self.slot, name, number)
            }
            "type" if value == b"secret-key" => Ok(()),
            "type" => Err(HsmError::Address("type must be secret-key".to_owned())),
            _ => Err(HsmError::Address(format!(
                "{name} is unknown; known are token, serial, manufacturer, model, slot-id, object, id and type"
            ))),
        }
    }

    fn query_attribute(&mut self, name: &str, value: Vec<u8>) -> Result<(), HsmError> {
        match name {
            "module-path" => once(&mut self.module, name, word(name, value)?.into()),
            "pin-source" => {
                let source = word(name, value)?;
                let pin = pin_source(&source).ok_or_else(|| {
                    HsmError::Address("pin-source must be file:PATH or env:NAME".to_owned())
                })?;
                once(&mut self.pin, name, pin)
            }
            "pin-value" => Err(HsmError::Address(
                "a PIN does not belong into an address, where it is shown and logged; name a file by pin-source=file:PATH"
                    .to_owned(),
            )),
            _ => Err(HsmError::Address(format!(
                "{name} is unknown; known are module-path and pin-source"
            ))),
        }
    }

    fn finish(self, text: &str) -> Result<HsmUri, HsmError> {
        let missing = |what: &str| HsmError::Address(format!("{what} is missing"));
        if self.token.is_none() && self.serial.is_none() && self.slot.is_none() {
            return Err(missing("token=…, serial=… or slot-id=…"));
        }
        if self.object.is_none() && self.id.is_none() {
            return Err(missing("object=… or id=…"));
        }
        Ok(HsmUri {
            text: text.to_owned(),
            module: self
                .module
                .ok_or_else(|| missing("module-path=… after a question mark"))?,
            token: self.token,
            serial: self.serial,
            manufacturer: self.manufacturer,
            model: self.model,
            slot: self.slot,
            object: self.object,
            id: self.id,
            pin: self.pin,
        })
    }
}

fn pin_source(text: &str) -> Option<PinFrom> {
    if let Some(name) = text.strip_prefix("env:") {
        return super::super::root::is_variable(name).then(|| PinFrom::Env(name.to_owned()));
    }
    let path = text.strip_prefix("file:").unwrap_or(text);
    let path = path.strip_prefix("//").unwrap_or(path);
    let is_path = !path.is_empty() && !path.starts_with('|');
    is_path.then(|| PinFrom::File(path.into()))
}

impl HsmUri {
    /// The same address with a relative PIN file taken from that folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        if let Some(PinFrom::File(path)) = &mut self.pin {
            *path = folder.join(&*path);
        }
        self
    }

    /// The token in words.
    pub(super) fn token_name(&self) -> String {
        let slot = self.slot.map(|slot| format!("in slot {slot}"));
        let name = self.token.clone().or_else(|| self.serial.clone()).or(slot);
        name.unwrap_or_default()
    }

    /// The key in words.
    pub(super) fn key_name(&self) -> String {
        let id = || {
            self.id
                .as_ref()
                .map(|id| format!("of id {}", data_encoding::HEXLOWER.encode(id)))
        };
        self.object.clone().or_else(id).unwrap_or_default()
    }

    /// Where the PIN comes from, in words.
    pub(super) fn pin_name(&self) -> String {
        self.pin
            .as_ref()
            .map_or_else(|| "pin-source".to_owned(), ToString::to_string)
    }

    /// The PIN as its source has it now; `None` where the address names none.
    pub(super) fn pin(&self) -> Result<Option<Secret>, HsmError> {
        let Some(from) = &self.pin else {
            return Ok(None);
        };
        let missing = || HsmError::NoPin(from.to_string());
        let pin = match from {
            PinFrom::Env(name) => {
                let value = std::env::var(name).map_err(|_| missing())?;
                Secret::new(zeroize::Zeroizing::new(value).as_bytes())
            }
            PinFrom::File(path) => match secret_file::read(path) {
                Ok(text) => Secret::new(text.trim_end_matches(['\n', '\r']).as_bytes()),
                Err(FileError::Missing(_)) => return Err(missing()),
                Err(error) => return Err(error.into()),
            },
        };
        if pin.is_empty() {
            Err(missing())
        } else {
            Ok(Some(pin))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "pkcs11:token=Countersign%201;serial=00ff;object=master;id=%01%ab;type=secret-key?module-path=/usr/lib/x.so&pin-source=file:/etc/pin";

    #[test]
    fn an_address_is_read_with_its_percent_signs() {
        let uri: HsmUri = WHOLE.parse().unwrap();
        assert_eq!(uri.token.as_deref(), Some("Countersign 1"));
        assert_eq!(
            (uri.serial.as_deref(), uri.object.as_deref()),
            (Some("00ff"), Some("master"))
        );
        assert_eq!(uri.id.as_deref(), Some(&[1, 0xab][..]));
        assert_eq!(uri.module, Path::new("/usr/lib/x.so"));
        assert_eq!(uri.pin, Some(PinFrom::File("/etc/pin".into())));
        assert_eq!(uri.to_string(), WHOLE);
        let slashes: HsmUri = "pkcs11:token=a;object=b?module-path=m&pin-source=file:///p"
            .parse()
            .unwrap();
        assert_eq!(slashes.pin, Some(PinFrom::File("/p".into())));
        let relative: HsmUri = "pkcs11:slot-id=7;id=%00?module-path=m&pin-source=file:p"
            .parse()
            .unwrap();
        assert_eq!(relative.slot, Some(7));
        assert_eq!(
            relative.within(Path::new("/d")).pin,
            Some(PinFrom::File("/d/p".into()))
        );
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (text, word) in [
            ("", "begin with"),
            ("pkcs11:", "token"),
            ("pkcs11:token=a?module-path=m", "object"),
            ("pkcs11:token=a;object=b", "module-path"),
            (
                "pkcs11:token=a;object=b?module-name=m",
                "module-name is unknown",
            ),
            ("pkcs11:token=a;token=b;object=c?module-path=m", "twice"),
            ("pkcs11:token=%4;object=b?module-path=m", "broken"),
            ("pkcs11:token=%zz;object=b?module-path=m", "broken"),
            ("pkcs11:token=%ff;object=b?module-path=m", "UTF-8"),
            ("pkcs11:token;object=b?module-path=m", "no value"),
            (
                "pkcs11:token=a;object=b;type=private?module-path=m",
                "secret-key",
            ),
            (
                "pkcs11:token=a;object=b?module-path=m&pin-source=|cmd",
                "pin-source",
            ),
            (
                "pkcs11:token=a;object=b?module-path=m&pin-source=env:A%20B",
                "pin-source",
            ),
            ("pkcs11:slot-id=x;object=b?module-path=m", "number"),
        ] {
            let said = text.parse::<HsmUri>().unwrap_err().to_string();
            assert!(said.contains(word), "{text}: {said}");
        }
    }

    #[test]
    fn a_pin_in_the_address_is_refused_and_not_repeated() {
        let said = "pkcs11:token=a;object=b?module-path=m&pin-value=4711"
            .parse::<HsmUri>()
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("pin-source") && !said.contains("4711"),
            "{said}"
        );
    }

    #[test]
    fn a_list_is_separated_by_blanks() {
        let two = format!("{WHOLE}\n  {WHOLE}");
        assert_eq!(list(&two).unwrap().len(), 2);
        assert!(list(" ").is_err());
        assert!(list(&format!("{WHOLE} file:x")).is_err());
    }

    #[test]
    fn a_missing_or_open_pin_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let uri: HsmUri = "pkcs11:token=a;object=b?module-path=m&pin-source=file:pin"
            .parse()
            .unwrap();
        let uri = uri.within(folder.path());
        assert!(matches!(uri.pin(), Err(HsmError::NoPin(_))));
        secret_file::create(&folder.path().join("pin"), "1234\n").unwrap();
        assert_eq!(uri.pin().unwrap().unwrap().expose(), b"1234");
    }
}
