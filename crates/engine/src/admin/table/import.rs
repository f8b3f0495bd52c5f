//! Imports: the options; the rows are decided by [`crate::admin::import`].

use super::domain::none;
use super::field::{flag, name, number, secret};
use super::policy::import as policies;
use super::{Verb, rules};
use crate::Secret;
use crate::admin::decide::{Action, Context, Outcome};
use crate::admin::import::{Format, Order};
use crate::admin::record::Event;
use crate::admin::{Field, Kind, Refusal, Stop};
use crate::audit::Code;
use data_encoding::HEXLOWER_PERMISSIVE;

/// Bound of a file in bytes before the setting `import.max_bytes` counts.
const MOST_BYTES: usize = 1 << 40;

const DATA: Field = Field::new(
    "data",
    Kind::Data { max: MOST_BYTES },
    "The file, text or base64; larger than a JSON body: as the request body itself.",
)
.required();
const DOMAIN: Field = name(
    "domain",
    255,
    "The domain of rows that name none; absent: the master domain.",
);
const TYPE: Field = name("type", 32, "The authenticator type of rows that name none.");
const CREATE_TYPES: Field = flag(
    "create_types",
    "Whether unknown types are made; absent: true.",
);
const UPDATE: Field = flag(
    "update_existing",
    "Whether an authenticator that exists is changed.",
);
const DRY_RUN: Field = flag(
    "dry_run",
    "Whether everything is checked and nothing stored.",
);
const FROM_ROW: Field = number(
    "from_row",
    1,
    1 << 40,
    "The first row that is taken, to go on where an import was cancelled (1126).",
);

pub(super) const VERBS: &[Verb] = &[
    rules(
        "import",
        "pskc",
        "import.authenticators",
        &[
            DATA,
            secret("key", 128, "The pre-shared key in hexadecimal."),
            secret("passphrase", 1024, "The passphrase of a derived key."),
            flag(
                "allow_plain",
                "Whether keys that stand unprotected in the file are accepted.",
            ),
            TYPE,
            DOMAIN,
            CREATE_TYPES,
            UPDATE,
            DRY_RUN,
            FROM_ROW,
        ],
        "Imports authenticators from a PSKC file (RFC 6030).",
        r#"{"data": "<?xml ...", "passphrase": "..."}"#,
        none,
        pskc,
    ),
    rules(
        "import",
        "authenticators",
        "import.authenticators",
        &[DATA, TYPE, DOMAIN, CREATE_TYPES, UPDATE, DRY_RUN, FROM_ROW],
        "Imports authenticators from a CSV file.",
        r#"{"data": "serial,type,algorithm,secret_hex\n..."}"#,
        none,
        csv,
    ),
    rules(
        "import",
        "otpauth",
        "import.authenticators",
        &[DATA, TYPE, DOMAIN, CREATE_TYPES, UPDATE, DRY_RUN, FROM_ROW],
        "Imports authenticators from otpauth URIs, one a line.",
        r#"{"data": "otpauth://totp/..."}"#,
        none,
        otpauth,
    ),
    rules(
        "import",
        "policies",
        "policy.import",
        policies::FIELDS,
        "Makes and replaces policies from an export, as policy/import.",
        r#"{"data": "[[policies]]\npolicy_id = \"vpn\"\nparent = \"local\"\n"}"#,
        none,
        policies::import,
    ),
];

fn pskc(context: &Context<'_>) -> Result<Outcome, Stop> {
    let fields = context.fields;
    let key = fields.secret("key").map(hexadecimal).transpose()?;
    let passphrase = fields.secret("passphrase").cloned();
    ordered(
        context,
        Format::Pskc {
            key,
            passphrase,
            allow_plain: fields.flag("allow_plain").unwrap_or(false),
        },
    )
}

fn csv(context: &Context<'_>) -> Result<Outcome, Stop> {
    ordered(context, Format::Csv)
}

fn otpauth(context: &Context<'_>) -> Result<Outcome, Stop> {
    ordered(context, Format::Otpauth)
}

fn ordered(context: &Context<'_>, format: Format) -> Result<Outcome, Stop> {
    let order = Order::read(format, context.fields)?;
    if let Some(name) = &order.options.domain
        && context.given.snapshot.domains.named(name).is_none()
    {
        return Err(Refusal::not_found(format_args!("domain {name}")).into());
    }
    let outcome = Outcome::action(Action::Import(Box::new(order)));
    Ok(outcome.event(Event::new(Code::IMPORT_FINISHED, "")))
}

fn hexadecimal(key: &Secret) -> Result<Secret, Refusal> {
    let bytes = HEXLOWER_PERMISSIVE.decode(key.expose()).map(Secret::new);
    bytes.map_err(|_| Refusal::invalid("key", "hexadecimal"))
}
