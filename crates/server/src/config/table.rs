use super::Value;
use countersign_engine::model::SCENARIO_WORDS;
use std::net::SocketAddr;

/// One key of the configuration.
#[derive(Debug)]
pub(crate) struct Key {
    /// Name with its section, such as `http.listen`.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Default as it is typed in the environment.
    pub(crate) default: &'static str,
    /// What it does.
    pub(crate) doc: &'static str,
}

/// What a key holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Text of at most so many bytes.
    Text(usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number between two bounds.
    Number(i64, i64),
    /// Addresses with ports.
    Addresses,
    /// A list of these words.
    Words(&'static [&'static str]),
}

/// All keys, by section.
pub(crate) const KEYS: &[Key] = &[
    key(
        "node",
        Kind::Text(64),
        "",
        "Name of this node in the audit; empty: the host name.",
    ),
    key(
        "host",
        Kind::Text(253),
        "",
        "Name by which clients reach this node, for `node/list` and `countersign node srv`; empty: the host name.",
    ),
    key(
        "scenarios",
        Kind::Words(&SCENARIO_WORDS),
        "auth, sign, prov, admin, report, radius",
        "What this node offers; `node/update` narrows it while it runs. Without radius no RADIUS port is opened.",
    ),
    key(
        "data_dir",
        Kind::Text(4096),
        "./countersign-data",
        "Directory for database, keys and certificate.",
    ),
    key(
        "store",
        Kind::Text(4096),
        "",
        "Store: sqlite:PATH for one node, or postgres://USER@HOST[,HOST]/DATABASE for any number of them, with the parameters sslmode (verify-full, disable), sslrootcert, sslcert, sslkey, passfile and those of libpq that the driver knows; empty: countersign.db in the data directory.",
    ),
    key(
        "root_key",
        Kind::Text(4096),
        "",
        "Where the root key comes from: file:PATH, env:NAME, passphrase-file:PATH (passphrase in COUNTERSIGN_ROOT_PASSPHRASE), or pkcs11: addresses of a key in an HSM, separated by blanks (see keys.md); empty: root.key in the data directory, made at first start.",
    ),
    key(
        "next_root_key",
        Kind::Text(4096),
        "",
        "Root key that the data keys are to go under, as root_key; read anew by `countersign admin key move-to-hsm` and `key rotate --class root`, and used at a start that finds the data keys under it (see keys.md).",
    ),
    key(
        "http.listen",
        Kind::Addresses,
        "0.0.0.0:8888, [::]:8888",
        "Addresses of the HTTPS API.",
    ),
    key(
        "http.certificate",
        Kind::Text(4096),
        "",
        "Certificate chain (PEM); empty: a self-signed one in the data directory. Read again on SIGHUP.",
    ),
    key(
        "http.key",
        Kind::Text(4096),
        "",
        "Private key of the certificate (PEM).",
    ),
    key(
        "http.max_connections",
        Kind::Number(1, 1_000_000),
        "2048",
        "Connections served at a time.",
    ),
    key(
        "health.listen",
        Kind::Addresses,
        "127.0.0.1:8889",
        "Addresses of /health and /metrics, plain HTTP.",
    ),
    key(
        "radius.listen",
        Kind::Addresses,
        "0.0.0.0:1812, [::]:1812",
        "Addresses of RADIUS authentication (UDP). On a host with several addresses name each one, so that answers leave from the address that was asked.",
    ),
    key(
        "radius.accounting",
        Kind::Addresses,
        "0.0.0.0:1813, [::]:1813",
        "Addresses of RADIUS accounting (UDP).",
    ),
    key(
        "radius.threads",
        Kind::Number(0, 256),
        "0",
        "Threads that serve RADIUS; 0: one for each core.",
    ),
    key(
        "shutdown.grace_s",
        Kind::Number(0, 300),
        "0",
        "Seconds between health 503 and the end of new requests when the server is stopped: as long as a load balancer needs to turn away.",
    ),
    key(
        "log.level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        "info",
        "How much is logged. Read again on SIGHUP.",
    ),
    key(
        "log.format",
        Kind::Choice(&["text", "json"]),
        "text",
        "Form of the log.",
    ),
    key(
        "otlp.endpoint",
        Kind::Text(4096),
        "",
        "OpenTelemetry collector (OTLP, HTTP with protobuf) that gets the timings kept by the setting timing.keep, such as http://127.0.0.1:4318/v1/traces; empty: none. For a build with the feature otlp.",
    ),
];

const fn key(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        doc,
    }
}

impl Key {
    /// The section, empty for keys at the top.
    pub(crate) fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// The name within the section.
    pub(crate) fn short(&self) -> &'static str {
        self.name
            .split_once('.')
            .map_or(self.name, |(_, name)| name)
    }

    /// The whole name.
    pub(crate) fn path(&self) -> &'static str {
        self.name
    }

    /// The environment variable that overrides it.
    pub(crate) fn environment(&self) -> String {
        format!(
            "COUNTERSIGN_{}",
            self.name.replace('.', "_").to_ascii_uppercase()
        )
    }

    /// Reads a value from text.
    ///
    /// # Errors
    /// What is allowed.
    pub(crate) fn read_text(&self, text: &str) -> Result<Value, String> {
        match self.kind {
            Kind::Number(..) => text
                .trim()
                .parse()
                .map_err(|_| self.kind.to_string())
                .and_then(|number| self.number(number)),
            Kind::Addresses => {
                let all = text
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                self.addresses(all)
            }
            Kind::Words(_) => {
                let all = text
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                self.words(all)
            }
            Kind::Text(_) | Kind::Choice(_) => self.text(text),
        }
    }

    pub(super) fn text(&self, text: &str) -> Result<Value, String> {
        let fits = match self.kind {
            Kind::Text(most) => text.len() <= most && !text.contains('\0'),
            Kind::Choice(words) => words.contains(&text),
            Kind::Number(..) | Kind::Addresses | Kind::Words(_) => false,
        };
        if fits {
            Ok(Value::Text(text.to_owned()))
        } else {
            Err(self.kind.to_string())
        }
    }

    pub(super) fn number(&self, number: i64) -> Result<Value, String> {
        match self.kind {
            Kind::Number(least, most) if (least..=most).contains(&number) => {
                Ok(Value::Number(number))
            }
            _ => Err(self.kind.to_string()),
        }
    }

    fn addresses<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Result<Value, String> {
        let all: Option<Vec<SocketAddr>> = texts.map(|text| text.parse().ok()).collect();
        match (self.kind, all) {
            (Kind::Addresses, Some(all)) => Ok(Value::Addresses(all)),
            _ => Err(self.kind.to_string()),
        }
    }

    /// Reads a list given item by item.
    pub(super) fn list<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Result<Value, String> {
        match self.kind {
            Kind::Words(_) => self.words(texts),
            _ => self.addresses(texts),
        }
    }

    fn words<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Result<Value, String> {
        let Kind::Words(known) = self.kind else {
            return Err(self.kind.to_string());
        };
        let all: Vec<String> = texts.map(str::to_owned).collect();
        if all.iter().all(|word| known.contains(&word.as_str())) {
            Ok(Value::Words(all))
        } else {
            Err(self.kind.to_string())
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(most) => write!(f, "text of at most {most} bytes"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Number(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Words(words) => write!(f, "a list of {}", words.join(", ")),
            Self::Addresses => {
                f.write_str("addresses with ports, such as [\"127.0.0.1:8888\", \"[::1]:8888\"]")
            }
        }
    }
}
