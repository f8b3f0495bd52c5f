//! Windows domains through winbind, by its programs `ntlm_auth` and `wbinfo`. What only a directory knows is asked of
//! the record's directory.

mod program;
mod status;

use super::{Step, Target, Trial, Tried, step};
use countersign_engine::Secret;
use countersign_engine::back_end::{Ask, Given, Password, Resolved, Said, Wanted};
use countersign_engine::model::Winbind;
use program::{Ended, Programs};
use std::path::Path;

/// Octets of a password that `ntlm_auth` reads.
const MOST_PASSWORD: usize = 255;
/// Takes the terminal away, so that the password is read from standard input wherever the server was started.
const WITHOUT_TERMINAL: &str = "setsid";
const NTLM_AUTH: &str = "ntlm_auth";
const WBINFO: &str = "wbinfo";
/// Asks whether winbind reaches a domain controller.
const PING: &str = "--ping-dc";
/// Domains that are looked at for a DNS name.
const MOST_DOMAINS: usize = 32;
/// What winbind calls an account of a person.
const SID_USER: &str = "1";

/// What is kept between two questions: how many programs run.
#[derive(Debug, Default)]
pub(super) struct Connector {
    programs: Programs,
}

impl Connector {
    /// One try at one server.
    pub(super) async fn ask(&self, target: &Target, own: &Winbind, ask: &Ask) -> Tried {
        match &ask.wanted {
            Wanted::Authenticate(Password::Known(password)) => {
                self.prove(target, own, &ask.user, password).await
            }
            Wanted::Authenticate(Password::AsReceived) => Ok((Said::HashRefused, String::new())),
            Wanted::Resolve => self.resolve(target, own, &ask.user).await,
            _ => Ok((
                Said::Unsupported,
                "the record has no directory to ask".to_owned(),
            )),
        }
    }

    /// Whether it is the password of a user. It goes through standard input: arguments and environment can be read by
    /// others.
    async fn prove(&self, target: &Target, own: &Winbind, user: &str, password: &Secret) -> Tried {
        let typed = password.expose();
        if typed.is_empty() || typed.len() > MOST_PASSWORD || typed.contains(&b'\n') {
            return Ok((Said::Rejected, "winbind takes no such password".to_owned()));
        }
        if !is_name(user) {
            return Ok((Said::Rejected, "no user has such a name".to_owned()));
        }
        let mut arguments = vec![
            own.helper.clone().unwrap_or_else(|| NTLM_AUTH.to_owned()),
            format!("--username={user}"),
        ];
        if let Some(domain) = &own.netbios_domain {
            arguments.push(format!("--domain={domain}"));
        }
        let line = Secret::new([typed, b"\n"].concat());
        let ended = self
            .programs
            .run(WITHOUT_TERMINAL, &arguments, &line, target.until)
            .await?;
        match status::said(&ended) {
            Some(Said::Accepted(_)) => Ok((Said::Accepted(Box::<Given>::default()), String::new())),
            Some(said) => Ok((said, status::told(&ended))),
            None => Err(format!("ntlm_auth: {}", ended.words())),
        }
    }

    /// The account that a name means: `DOMAIN\user`, a UPN, or a bare name (authentication.md 3.1).
    async fn resolve(&self, target: &Target, own: &Winbind, name: &str) -> Tried {
        if !is_name(name) {
            return Ok((Said::Resolved(None), "no user has such a name".to_owned()));
        }
        let whole = match &own.netbios_domain {
            Some(domain) if !name.contains(['\\', '@']) => format!("{domain}\\{name}"),
            _ => name.to_owned(),
        };
        let Some(found) = self.sid(target, own, &whole).await? else {
            return Ok((Said::Resolved(None), String::new()));
        };
        let sid = found.split_whitespace().next().unwrap_or_default();
        let named = self
            .wbinfo(target, own, &format!("--sid-to-name={sid}"))
            .await?;
        let account = named.as_deref().and_then(account);
        let Some((domain, user)) = account else {
            return Ok((Said::Resolved(None), "the name means no user".to_owned()));
        };
        let told = self
            .wbinfo(target, own, &format!("--domain-info={domain}"))
            .await?;
        let dns = told.as_deref().and_then(dns_name);
        let dns = dns.ok_or_else(|| format!("winbind tells no DNS name of the domain {domain}"))?;
        Ok((
            Said::Resolved(Some(Resolved {
                user: user.to_owned(),
                domain: dns.to_owned(),
            })),
            String::new(),
        ))
    }

    /// What `wbinfo` tells of a name. The winbind of a domain controller does not know a UPN as one: then it is the user of
    /// the domain of that name.
    async fn sid(
        &self,
        target: &Target,
        own: &Winbind,
        name: &str,
    ) -> Result<Option<String>, String> {
        let look_up = |name: &str| format!("--name-to-sid={name}");
        if let Some(found) = self.wbinfo(target, own, &look_up(name)).await? {
            return Ok(Some(found));
        }
        let Some((user, suffix)) = name.rsplit_once('@') else {
            return Ok(None);
        };
        let Some(domain) = self.short_name(target, own, suffix).await? else {
            return Ok(None);
        };
        let name = format!("{domain}\\{user}");
        self.wbinfo(target, own, &look_up(&name)).await
    }

    /// The short name of the domain with this DNS name.
    async fn short_name(
        &self,
        target: &Target,
        own: &Winbind,
        dns: &str,
    ) -> Result<Option<String>, String> {
        let all = self.wbinfo(target, own, "--all-domains").await?;
        for domain in all.unwrap_or_default().lines().take(MOST_DOMAINS) {
            let told = self
                .wbinfo(target, own, &format!("--domain-info={domain}"))
                .await?;
            let named = told.as_deref().and_then(dns_name);
            if named.is_some_and(|named| named.eq_ignore_ascii_case(dns)) {
                return Ok(Some(domain.to_owned()));
            }
        }
        Ok(None)
    }

    /// What `wbinfo` prints; none where it knows nothing of it.
    async fn wbinfo(
        &self,
        target: &Target,
        own: &Winbind,
        argument: &str,
    ) -> Result<Option<String>, String> {
        let ended = self.run_wbinfo(target, own, argument).await?;
        if ended.success {
            return Ok(Some(ended.printed));
        }
        // It says the same of what is not there and of what cannot be asked.
        let there =
            !status::is_unreachable(&ended) && self.run_wbinfo(target, own, PING).await?.success;
        if there {
            Ok(None)
        } else {
            Err(format!("wbinfo: {}", ended.words()))
        }
    }

    async fn run_wbinfo(
        &self,
        target: &Target,
        own: &Winbind,
        argument: &str,
    ) -> Result<Ended, String> {
        let nothing = Secret::new(Vec::new());
        self.programs
            .run(&wbinfo(own), &[argument.to_owned()], &nothing, target.until)
            .await
    }

    /// Tests a record step by step.
    pub(super) async fn test(&self, target: &Target, own: &Winbind, trial: &Trial) -> Vec<Step> {
        let ping = self.wbinfo(target, own, PING).await;
        let reached = matches!(ping, Ok(Some(_)));
        let ping = ping.and_then(|said| {
            said.map(|text| text.trim().to_owned())
                .ok_or("winbind does not reach a domain controller".to_owned())
        });
        let mut steps = vec![step("winbind reaches the domain", ping)];
        if !reached {
            return steps;
        }
        if let (Some(user), Some(password)) = (&trial.user, &trial.password) {
            let tried = self.prove(target, own, user, password).await;
            let found = tried.and_then(|(said, note)| match said {
                Said::Accepted(_) => Ok("the password is right".to_owned()),
                Said::Rejected => Err(format!("refused: {note}")),
                Said::Locked => Err(format!("the account is locked: {note}")),
                Said::Expired => Err(format!("the password has expired: {note}")),
                _ => Err(format!("the account is disabled: {note}")),
            });
            steps.push(step("authenticate", found));
        }
        steps
    }
}

/// `wbinfo` beside the program of the record.
fn wbinfo(own: &Winbind) -> String {
    let beside = own.helper.as_deref().map(Path::new).and_then(Path::parent);
    match beside.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => folder.join(WBINFO).display().to_string(),
        None => WBINFO.to_owned(),
    }
}

/// Whether winbind could know such a name at all.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 1024 && !countersign_engine::text::has_control(name)
}

/// Domain and user of `DOMAIN\user 1`; none where it is another kind of account.
fn account(line: &str) -> Option<(&str, &str)> {
    let (name, kind) = line.trim().rsplit_once(' ')?;
    if kind != SID_USER {
        return None;
    }
    name.split_once('\\')
}

/// The DNS name in what is told of a domain.
fn dns_name(told: &str) -> Option<&str> {
    told.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(field, _)| field.trim() == "Alt_Name")
        .map(|(_, name)| name.trim())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
