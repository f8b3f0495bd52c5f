use super::bind::{Bound, reach};
use super::files::{self, FirstRun, Ready};
use super::lock::Lock;
use super::{certificate, first_run, hosts, log, log_level, reminders, root};
use crate::config::{Config, Overrides};
use crate::listen::radius::{Listener, Socket};
use anyhow::{Context, Result};
use countersign_engine::model::Scenario;
use countersign_service::radius::Port;
use countersign_service::{Node, NodeOptions};
use countersign_store::{Options, Store};
use countersign_web::server::{Limits, Transport, serve};
use countersign_web::tls::Certificates;
use countersign_web::{api, health};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The node state file: what the node remembers of the store, outside the store.
const STATE: &str = "node-state.json";
/// How often what is over is removed.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// A server that serves.
pub(crate) struct Running {
    node: Arc<Node>,
    runtime: Runtime,
    radius: Listener,
    http: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    certificates: Arc<Certificates>,
    ready: Ready,
    data_dir: PathBuf,
    first_run: Option<FirstRun>,
    grace: Duration,
    _lock: Lock,
}

/// Starts a server: it serves when this returns.
pub(crate) fn start(config: &Config) -> Result<Running> {
    let data_dir = config.data_dir().to_owned();
    files::make_folder(&data_dir)?;
    let lock = Lock::take(&data_dir)?;
    let name = node_name(config);
    // before the store: what cannot listen must not begin an audit epoch
    let bound = Bound::new(config)?;
    let certificates = certificate::open(config, &name)?;
    let store = open_store(config, &name)?;
    let first_run = first_run::fill(&store, &data_dir, &name)?;
    reminders::say(&store, &data_dir);
    let node = Node::start(NodeOptions {
        scenarios: scenarios(config),
        state_file: Some(data_dir.join(STATE)),
        ..NodeOptions::new(store, name)
    })
    .context("start the threads of the node")?;
    tell_expiry(&node, &certificates);
    let ready = ready(&bound)?;
    node.set_addresses(addresses(config, &ready));
    node.set_listening(bound.listening()?);
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_name("http")
        .build()
        .context("start the threads for HTTP")?;
    let (stop, stopping) = watch::channel(false);
    let limits = Limits {
        connections: config.number("http.max_connections"),
        ..Limits::default()
    };
    let secure = Transport::Tls(Arc::clone(&certificates));
    let http = vec![
        runtime.spawn(serve(
            listen(&runtime, bound.http)?,
            secure,
            api::router(Arc::clone(&node)),
            limits,
            stopped(stopping.clone()),
        )),
        runtime.spawn(serve(
            listen(&runtime, bound.health)?,
            Transport::Plain,
            health::router(Arc::clone(&node)),
            limits,
            stopped(stopping.clone()),
        )),
        runtime.spawn(follow_hosts(Arc::clone(&node), stopping.clone())),
        runtime.spawn(keep_tidy(Arc::clone(&node), stopping)),
    ];
    let radius = Listener::start(&node, bound.radius, threads(config))?;
    ready.write(&data_dir.join(files::RUN))?;
    node.set_running();
    tracing::info!(
        http = ready.http,
        radius = ready.radius_auth,
        health = ready.health,
        "serving"
    );
    Ok(Running {
        node,
        runtime,
        radius,
        http,
        stop,
        certificates,
        ready,
        data_dir,
        first_run,
        grace: Duration::from_secs(config.number("shutdown.grace_s").try_into().unwrap_or(0)),
        _lock: lock,
    })
}

fn listen(runtime: &Runtime, listeners: Vec<TcpListener>) -> Result<Vec<tokio::net::TcpListener>> {
    let _entered = runtime.enter();
    let listeners: std::io::Result<Vec<_>> = listeners
        .into_iter()
        .map(tokio::net::TcpListener::from_std)
        .collect();
    listeners.context("listen for HTTP")
}

async fn follow_hosts(node: Arc<Node>, stopping: watch::Receiver<bool>) {
    tokio::select! {
        () = hosts::follow(node) => {}
        () = stopped(stopping) => {}
    }
}

async fn keep_tidy(node: Arc<Node>, stopping: watch::Receiver<bool>) {
    loop {
        let tidied = Arc::clone(&node);
        if let Err(error) = tokio::task::spawn_blocking(move || tidied.tidy()).await {
            tracing::error!(%error, "what is over could not be removed");
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY_EVERY) => {}
            () = stopped(stopping.clone()) => return,
        }
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await; // an error means that the sender is gone: stop too
}

impl Running {
    /// A move to another root key finds it in the configuration as it is then.
    pub(crate) fn follow_next_root(&self, overrides: &Overrides) {
        self.node.set_next_root(root::next(overrides.clone()));
    }

    /// Where it listens.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// What the first start made up, if this is it.
    pub(crate) fn first_run(&self) -> Option<&FirstRun> {
        self.first_run.as_ref()
    }

    /// Has the log follow the setting `log.level` until the server stops.
    pub(crate) fn follow_log_level(&self, log: &log::Log) {
        let (node, log, stop) = (Arc::clone(&self.node), log.clone(), self.stop.subscribe());
        self.runtime
            .spawn(log_level::follow(node, log, stopped(stop)));
    }

    /// Sends timings to the collector that the configuration names.
    #[cfg(feature = "otlp")]
    pub(crate) fn export_timings(&self, config: &Config) -> Result<()> {
        let endpoint = config.text("otlp.endpoint");
        if !endpoint.is_empty() {
            let stop = stopped(self.stop.subscribe());
            let exporter = super::otlp::exporter(&self.node, endpoint, stop)?;
            self.runtime.spawn(exporter);
        }
        Ok(())
    }

    /// Reads certificate and log level again.
    pub(crate) fn reload(&self, overrides: &Overrides, log: &log::Log) {
        match self.certificates.reload() {
            Ok(()) => {
                tell_expiry(&self.node, &self.certificates);
                tracing::info!("the certificate was read again");
            }
            Err(error) => tracing::error!("the certificate was not exchanged: {error}"),
        }
        match Config::load(overrides) {
            Ok(config) => log.set_level(config.text("log.level")),
            Err(error) => tracing::error!("the log level was not changed: {error:#}"),
        }
    }

    /// Stops: health says so first, then nothing new is taken, started requests finish, and the store is closed with its
    /// last checkpoint.
    pub(crate) fn stop(self) {
        tracing::info!(grace_s = self.grace.as_secs(), "stopping");
        self.node.leave();
        std::thread::sleep(self.grace);
        self.node.stop_accepting();
        let _ = std::fs::remove_file(self.data_dir.join(files::RUN)); // gone already is as good
        self.radius.stop();
        self.stop.send_replace(true);
        self.runtime.block_on(async {
            for task in self.http {
                let _ = task.await; // a task that panicked has been reported already
            }
        });
        self.node.close();
        tracing::info!("stopped");
    }
}

/// How a store with this configuration is opened.
pub(crate) fn store_options(config: &Config) -> Result<Options> {
    let name = node_name(config);
    Ok(Options::new(
        config.store_url()?,
        config.data_dir().join(STATE),
        &name,
        env!("CARGO_PKG_VERSION"),
    ))
}

fn open_store(config: &Config, name: &str) -> Result<Store> {
    let options = store_options(config)?;
    root::with_keys(
        config,
        |source| root::load_or_create(source, &options.url),
        |root| Store::open(&options, root),
    )
    .with_context(|| format!("start node {name}"))
}

/// The configured name, or that of the host.
fn node_name(config: &Config) -> String {
    match config.text("node") {
        "" => host_name(),
        name => name.to_owned(),
    }
}

fn host_name() -> String {
    std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname"))
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "countersign".to_owned())
}

fn scenarios(config: &Config) -> BTreeSet<Scenario> {
    let words = config.words("scenarios").iter();
    words.filter_map(|word| Scenario::of(word)).collect()
}

/// Where the node is reached, as the others are told.
fn addresses(config: &Config, ready: &Ready) -> BTreeMap<String, String> {
    let host = match config.text("host") {
        "" => host_name(),
        host => host.to_owned(),
    };
    let all = [
        ("host", host),
        ("http", ready.http.clone()),
        ("health", ready.health.clone()),
        ("radius_auth", ready.radius_auth.clone()),
        ("radius_acct", ready.radius_acct.clone()),
    ];
    let known = all.into_iter().filter(|(_, address)| !address.is_empty());
    known
        .map(|(listener, address)| (listener.to_owned(), address))
        .collect()
}

fn tell_expiry(node: &Node, certificates: &Certificates) {
    if let Some(end) = certificates.expires() {
        node.metrics().set_certificate_expiry(end.0 / 1_000_000);
    }
}

fn threads(config: &Config) -> usize {
    match config.number("radius.threads") {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        number => number,
    }
}

fn ready(bound: &Bound) -> Result<Ready> {
    let tcp = |listeners: &[TcpListener]| -> Result<String> {
        let address = listeners
            .first()
            .map(TcpListener::local_addr)
            .transpose()
            .context("read the address of a listener")?;
        Ok(address.map_or(String::new(), |address| reach(address).to_string()))
    };
    let udp = |port: Port| {
        bound
            .radius
            .iter()
            .find(|socket| socket.port() == port)
            .map(Socket::local)
            .map_or(String::new(), |address: SocketAddr| {
                reach(address).to_string()
            })
    };
    Ok(Ready {
        pid: std::process::id(),
        http: format!("https://{}", tcp(&bound.http)?),
        health: format!("http://{}", tcp(&bound.health)?),
        radius_auth: udp(Port::Authentication),
        radius_acct: udp(Port::Accounting),
    })
}
