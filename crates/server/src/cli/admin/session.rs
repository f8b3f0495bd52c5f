use crate::client::{Client, Connection, Envelope};
use anyhow::{Context, Result};
use countersign_engine::admin::Verb;
use serde_json::{Map, Value};

/// An administrator who has logged on.
pub(crate) struct Session {
    pub(crate) client: Client,
}

impl Session {
    /// Connects and logs on.
    pub(crate) async fn open(connection: &Connection) -> Result<Self> {
        let (endpoint, login) = (connection.endpoint()?, connection.login()?);
        let mut client = Client::new(&endpoint)?;
        client
            .log_on(&login)
            .await?
            .expect_success(&format!("log on as {}", login.user))?;
        Ok(Self { client })
    }

    /// Runs one command.
    pub(crate) async fn run(&mut self, verb: &Verb, body: &Map<String, Value>) -> Result<Envelope> {
        self.client.command(verb.object, verb.verb, body).await
    }

    /// Logs off.
    pub(crate) async fn close(mut self) {
        self.client.log_off().await;
    }
}

/// Runs a client to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the client")?;
    runtime.block_on(work)
}
