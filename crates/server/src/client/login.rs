use crate::cli::Place;
use crate::config::Config;
use crate::serve::files::{self, FirstRun, Ready};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Certificates that this host trusts, where `--server` names another one without `--ca`.
const HOST_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Which server, and as whom. Without any option: the server of this host's data directory, as its first administrator.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Server; default: the one running on the data directory
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Administrator; default: the one in first-run.json
    #[arg(long, value_name = "ID", env = "COUNTERSIGN_USER")]
    pub(crate) user: Option<String>,
    /// File with his password; or set COUNTERSIGN_PASSWORD
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_PASSWORD_FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust; default: the certificate of the data directory
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where a server is, and by which certificates it is known.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) trusted: Vec<PathBuf>,
}

/// Who logs on.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Zeroizing<String>,
}

impl Connection {
    /// The server that is meant.
    pub(crate) fn endpoint(&self) -> Result<Endpoint> {
        if let Some(url) = &self.server {
            let trusted = self.ca.clone().unwrap_or_else(|| HOST_CERTIFICATES.into());
            return Ok(Endpoint {
                url: url.clone(),
                trusted: vec![trusted],
            });
        }
        let config = self.place.load()?;
        let ready = Ready::read(config.data_dir()).with_context(|| {
            format!(
                "find a running server in {}; start one, or name it by --server URL",
                config.data_dir().display()
            )
        })?;
        let trusted = self.ca.clone().unwrap_or_else(|| certificate(&config));
        Ok(Endpoint {
            url: ready.http,
            trusted: vec![trusted],
        })
    }

    /// The administrator that is meant.
    pub(crate) fn login(&self) -> Result<Login> {
        let given = self.given_password()?;
        match (&self.user, given) {
            (Some(user), Some(password)) => Ok(Login {
                user: user.clone(),
                password,
            }),
            (Some(user), None) if self.server.is_some() => bail!(
                "log on as {user}: name the password by --password-file FILE or COUNTERSIGN_PASSWORD"
            ),
            (user, password) => self.first_administrator(user.as_deref(), password),
        }
    }

    fn given_password(&self) -> Result<Option<Zeroizing<String>>> {
        if let Some(file) = &self.password_file {
            let text = Zeroizing::new(
                std::fs::read_to_string(file)
                    .with_context(|| format!("read the password file {}", file.display()))?,
            );
            return Ok(Some(Zeroizing::new(
                text.trim_end_matches(['\r', '\n']).to_owned(),
            )));
        }
        Ok(std::env::var("COUNTERSIGN_PASSWORD")
            .ok()
            .map(Zeroizing::new))
    }

    fn first_administrator(
        &self,
        user: Option<&str>,
        password: Option<Zeroizing<String>>,
    ) -> Result<Login> {
        let config = self.place.load()?;
        let first = FirstRun::read(config.data_dir())
            .with_context(|| format!("log on: {} is gone; name the administrator by --user ID and his password by --password-file FILE or COUNTERSIGN_PASSWORD", config.data_dir().join(files::FIRST_RUN).display()))?;
        let first = &first.admin;
        if user.is_some_and(|user| user != first.user) && password.is_none() {
            bail!(
                "log on as {}: name the password by --password-file FILE or COUNTERSIGN_PASSWORD",
                user.unwrap_or_default()
            );
        }
        Ok(Login {
            user: user.unwrap_or(&first.user).to_owned(),
            password: password.unwrap_or_else(|| Zeroizing::new(first.password.clone())),
        })
    }
}

/// The certificate that a server with this configuration shows.
fn certificate(config: &Config) -> PathBuf {
    match config.text("http.certificate") {
        "" => config.data_dir().join(files::CERTIFICATE),
        path => path.into(),
    }
}
