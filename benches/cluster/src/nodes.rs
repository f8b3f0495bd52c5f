//! Nodes with one store.

use crate::Options;
use crate::postgres::Postgres;
use anyhow::{Context, Result};
use countersign_bench_kit::process::Folder;
use countersign_bench_kit::server::{DataDir, Server, Shared};
use countersign_bench_kit::shape::Target;

/// Data directories of nodes.
pub(crate) struct Nodes(Vec<DataDir>);

/// Nodes that serve.
pub(crate) struct Running(Vec<Server>);

impl Nodes {
    /// So many nodes on a database, which is made where it is not there.
    pub(crate) fn make(
        options: &Options,
        folder: &Folder,
        server: &Postgres,
        database: &str,
        count: usize,
    ) -> Result<Self> {
        if !server.has(database)? {
            server.create(database)?;
        }
        let mut shared = Shared {
            store: server.url(database),
            root_key: folder.path(&format!("{database}.root-key")),
            secret: None,
        };
        let mut all: Vec<DataDir> = Vec::new();
        for number in 1..=count {
            let name = format!("node{number}");
            let path = folder.path(&format!("{database}-{name}"));
            let node = DataDir::of_cluster(&options.programs, &path, &name, shared.clone())?;
            if number == 1 {
                shared.secret = Some(node.secret()?);
            }
            all.push(node);
        }
        Ok(Self(all))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The node of the first start.
    pub(crate) fn first(&self) -> Result<&DataDir> {
        self.0.first().context("there is no node")
    }

    pub(crate) fn serve(&self, folder: &Folder, count: usize) -> Result<Running> {
        let nodes = self.0.iter().take(count);
        nodes
            .map(|node| node.serve(folder))
            .collect::<Result<_>>()
            .map(Running)
    }
}

impl Running {
    /// The processes to be measured, the database server last.
    pub(crate) fn pids(&self, server: u32) -> Vec<u32> {
        self.0
            .iter()
            .map(Server::pid)
            .chain(std::iter::once(server))
            .collect()
    }

    pub(crate) fn target(&self, pids: &[u32]) -> Target<'_> {
        Target {
            servers: self.0.iter().map(Server::address).collect(),
            secret: self.0.first().map_or("", Server::secret),
            pids: pids.to_vec(),
            roam: false,
        }
    }

    pub(crate) fn stop(self) -> Result<()> {
        self.0.into_iter().try_for_each(Server::stop)
    }
}
