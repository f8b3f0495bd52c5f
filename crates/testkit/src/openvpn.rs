//! An OpenVPN server that logs its users on by pam_radius, with a static challenge for what is asked second.

use crate::authority::{Authority, Certificate};
use crate::pam::PamRadius;
use crate::postgres::free_port;
use crate::process::{Process, write_private};
use crate::{peer, until};
use data_encoding::BASE64;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SERVER: &str = "/usr/sbin/openvpn";
const SERVICE: &str = "countersign-openvpn";

/// A running OpenVPN server. Its tunnel gets no addresses, so it changes nothing on this machine.
#[derive(Debug)]
pub struct OpenVpn {
    pam: PamRadius,
    port: u16,
    authority: PathBuf,
    _process: Process,
}

impl OpenVpn {
    /// A server that asks the RADIUS server at `host:port`; `second` is how the prompt begins that is answered by the
    /// second word of the client. `None` with a word on standard error where it is missing and may be.
    ///
    /// # Panics
    /// It is missing although it must not be, or does not start.
    pub fn start(radius: &str, secret: &str, second: &str) -> Option<Self> {
        peer::find(SERVER)?;
        let Some(plugin) = plugin().filter(|_| Path::new("/dev/net/tun").exists()) else {
            peer::missing("the PAM plugin of OpenVPN, or /dev/net/tun");
            return None;
        };
        let pam = PamRadius::new(SERVICE, radius, secret, &[])?;
        let port = free_port();
        let files = Authority::new().install(pam.dir(), &["localhost"], Certificate::Good);
        let text = format!(
            "mode server\ntls-server\nproto tcp-server\nlocal 127.0.0.1\nport {port}\ndev tun\ntopology subnet\n\
             ifconfig 10.9.9.1 255.255.255.0\nifconfig-pool 10.9.9.2 10.9.9.200 255.255.255.0\nifconfig-noexec\n\
             route-noexec\npush \"topology subnet\"\nca {ca}\ncert {cert}\nkey {key}\ndh none\nverify-client-cert none\n\
             username-as-common-name\nduplicate-cn\n\
             plugin {plugin} \"{SERVICE} login USERNAME password PASSWORD {second} OTP\"\nverb 3\n",
            ca = files.authority.display(),
            cert = files.certificate.display(),
            key = files.key.display(),
            plugin = plugin.display(),
        );
        let configuration = pam.path("server.conf");
        std::fs::write(&configuration, text).expect("write a file");
        let mut line = pam.before();
        line.extend([SERVER.into(), "--config".into(), configuration.into()]);
        let log = pam.path("log");
        let process = Process::start(&line, &log);
        until("OpenVPN listens", || {
            let printed = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(process.runs(), "openvpn ended: {printed}");
            printed
                .contains("Initialization Sequence Completed")
                .then_some(())
        });
        Some(Self {
            pam,
            port,
            authority: files.authority,
            _process: process,
        })
    }

    /// Connects with a password and, if one is given, the answer to a second question; whether the server let it in.
    ///
    /// # Panics
    /// There is no client.
    pub fn connect(&self, user: &str, password: &str, second: Option<&str>) -> bool {
        // as a client sends both words when it was told of a static challenge
        let encoded = |word: &str| BASE64.encode(word.as_bytes());
        let typed = second.map_or(password.to_owned(), |second| {
            format!("SCRV1:{}:{}", encoded(password), encoded(second))
        });
        let words = self.pam.path(&format!("words-{user}"));
        let words = write_private(words, &format!("{user}\n{typed}\n"));
        let mut client = Command::new(SERVER)
            .args(["--client", "--proto", "tcp-client", "--dev", "null"])
            .args(["--remote", "127.0.0.1", &self.port.to_string(), "--nobind"])
            .args(["--verb", "3", "--ifconfig-noexec", "--route-noexec", "--ca"])
            .arg(&self.authority)
            .args(["--auth-retry", "none", "--auth-user-pass"])
            .arg(words)
            .args(["--connect-retry-max", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("run openvpn");
        let printed = BufReader::new(client.stdout.take().expect("a pipe"));
        let outcome = printed.lines().map_while(Result::ok).find_map(|line| {
            let accepted = line.contains("Initialization Sequence Completed");
            (accepted || line.contains("AUTH_FAILED")).then_some(accepted)
        });
        let _ = client.kill(); // it may have ended
        let _ = client.wait();
        outcome.unwrap_or(false)
    }

    /// What the server printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.pam.path("log")).unwrap_or_default()
    }
}

fn plugin() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    folders
        .flatten()
        .map(|folder| {
            folder
                .path()
                .join("openvpn/plugins/openvpn-plugin-auth-pam.so")
        })
        .find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freeradius::{CHALLENGE_ANSWER, FreeRadius, PASSWORD, SECRET};

    #[test]
    fn users_connect_with_a_challenge() {
        let Some(radius) = FreeRadius::start() else {
            return;
        };
        let address = format!("127.0.0.1:{}", radius.auth_port());
        let Some(server) = OpenVpn::start(&address, SECRET, "Enter") else {
            return;
        };
        assert!(server.connect("normal", PASSWORD, None), "{}", server.log());
        assert!(!server.connect("normal", "wrong", None));
        let answer = Some(CHALLENGE_ANSWER);
        assert!(server.connect("chal", PASSWORD, answer), "{}", server.log());
        assert!(!server.connect("chal", PASSWORD, Some("000000")));
    }
}
