use crate::cli::{Place, REFUSED};
use crate::print;
use crate::serve::{Lock, root, store_options};
use anyhow::{Context, Result, bail};
use countersign_engine::admin::Write;
use countersign_engine::audit::{Code, Record};
use countersign_engine::decision::Change;
use countersign_engine::model::{LOST_AFTER_S, NodeRecord};
use countersign_keyring::{Keyring, RootId, random};
use countersign_store::{
    Options, Outcome, Reader, Store, Work, from_record, system_time, to_record,
};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;

/// Put the data keys under a master key in an HSM, while the server is stopped
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Wraps every data key anew and opens it again before the old wraps are replaced, all in one transaction; no record is touched. A running server does the same without a stop: name the master key as next_root_key and run `countersign admin key move-to-hsm`.\n\nAfter it, set root_key to the new key. Until you do, next_root_key lets the server start either way.\n\nExample:\n  countersign key move-to-hsm --to 'pkcs11:token=Countersign;object=root?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/countersign/pin'"
)]
pub(super) struct Args {
    /// The master key; without it, next_root_key of the configuration
    #[arg(long, value_name = "SOURCE")]
    to: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    crate::serve::keep_private();
    let config = args.place.load()?;
    let to = match args.to.as_deref().or_else(|| config.next_root_key()) {
        Some(to) => to.to_owned(),
        None => {
            bail!("find the master key: name it by --to, or as next_root_key in the configuration")
        }
    };
    let _lock = Lock::take(config.data_dir()).context(
        "move the data keys of a running server with `countersign admin key move-to-hsm` instead",
    )?;
    let next = Arc::new(root::load(&to)?);
    if !next.is_in_hsm() {
        eprintln!(
            "countersign: {to} is no key in an HSM; `countersign admin key rotate --class root` moves to other root keys"
        );
        return Ok(ExitCode::from(REFUSED));
    }
    let options = store_options(&config)?;
    if options.url.file().is_none() {
        refuse_if_served(&options)?;
    }
    let store = root::with_keys(&config, root::load, |root| Store::open(&options, root))?;
    let ring = store.keyring();
    if ring.root() == next.id() {
        store.close();
        print::line(&format!(
            "The data keys are under root key {} already.",
            next.id()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let change = ring
        .rewrap(Arc::clone(&next))
        .context("wrap the data keys anew")?;
    let rows: Vec<_> = change.rows.iter().map(to_record).collect();
    let work = Work {
        token: 0,
        changes: vec![Change::Write(Write::Rewrap(rows, ring.root().to_string()))],
        records: vec![record(ring.root(), next.id())?],
        trace: Vec::new(),
    };
    match store.commit(work) {
        Outcome::Committed => {}
        Outcome::Conflict => bail!(
            "put the data keys under the master key: somebody changed them at the same time; run it again"
        ),
        Outcome::Failed(error) => {
            return Err(error).context("put the data keys under the master key");
        }
    }
    let stored = store
        .keys()?
        .iter()
        .map(from_record)
        .collect::<Result<Vec<_>, _>>()?;
    let count = Keyring::load(Arc::clone(&next), stored)
        .context("open the data keys as they are stored now")?
        .rows()
        .len();
    store.close();
    print::line(&format!(
        "{count} data keys are under root key {} in the HSM. Set root_key = \"{to}\" now, before the server starts.",
        next.id()
    ));
    Ok(ExitCode::SUCCESS)
}

/// A server of the same name may run on another host: opening the store under that name would end its chain.
fn refuse_if_served(options: &Options) -> Result<()> {
    let nodes = Reader::open(&options.url)?.nodes()?;
    let served = |node: &&NodeRecord| node.name == options.node && node.is_running();
    if nodes.iter().find(served).is_some() {
        bail!(
            "move the data keys: node {} serves this store; give `countersign admin key move-to-hsm` there, or stop it (a node that was killed counts as gone after {LOST_AFTER_S} seconds)",
            options.node
        );
    }
    Ok(())
}

fn record(from: RootId, to: RootId) -> Result<Record> {
    let mut record = Record::new(Code::ROTATION, random::random::<16>()?, system_time());
    record.target = Some("root".into());
    record.output =
        Some(json!({"class": "root", "hsm": true, "from": from.to_string(), "to": to.to_string()}));
    Ok(record)
}
