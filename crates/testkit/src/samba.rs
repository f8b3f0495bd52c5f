//! A Samba domain controller on a loopback address of its own, with users in every state that a directory knows.
//!
//! The domain is provisioned once on this machine and copied for each controller. Its LDAP ports cannot be chosen,
//! hence the address; everything of it runs in a process namespace and ends with the test.

mod template;

use crate::authority::{Authority, Certificate};
use crate::process::{Process, run, words};
use crate::{peer, until};
use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use tempfile::TempDir;

/// Name of the domain in DNS.
pub const DOMAIN: &str = "ad.example.test";
/// Short name of the domain.
pub const NETBIOS: &str = "EXAMPLE";
/// Where everything of it lies.
pub const BASE: &str = "DC=ad,DC=example,DC=test";
/// Where its users and groups lie.
pub const USERS: &str = "CN=Users,DC=ad,DC=example,DC=test";
/// The password of every user.
pub const PASSWORD: &str = "Passw0rd-1";
/// An account without special rights, for searches.
pub const SERVICE: &str = "svc-auth@ad.example.test";
/// Its password.
pub const SERVICE_PASSWORD: &str = "Svc-Passw0rd-1";
/// Who may do everything.
pub const ADMINISTRATOR: &str = "administrator@ad.example.test";
/// His password.
pub const ADMINISTRATOR_PASSWORD: &str = "Adm1n-Passw0rd";
/// Lets a client of winbind see the one of this controller: its place is compiled into the client.
const JAIL: &str = r#"mount --bind "$0" /run/samba/winbindd && exec "$@""#;

/// A domain controller: user `normal`, one for each state (`disabled`, `locked`, `expired`, `mustchange`, `acctexpired`,
/// `hours`, `wks`), `nested1` in `g-inner` in `g-mid` in `g-outer`, and `chpw` for changes of passwords. Three wrong
/// passwords lock.
#[derive(Debug)]
pub struct SambaAd {
    dir: TempDir,
    address: String,
    authority: Authority,
    process: Option<Process>,
}

impl SambaAd {
    /// A running controller; `None` with a word on standard error where Samba is missing and may be.
    ///
    /// # Panics
    /// It is missing although it must not be, or does not start.
    pub fn start() -> Option<Self> {
        for program in ["samba-tool", "/usr/sbin/samba", "ldapsearch", "ntlm_auth"] {
            peer::find(program)?;
        }
        if run(Command::new("id").arg("-u")).trim() != "0" {
            peer::missing("an account that may listen on port 389 (root)");
            return None;
        }
        let authority = Authority::new();
        let mut controller = Self {
            dir: tempfile::tempdir().expect("make a directory"),
            address: free_address(),
            authority,
            process: None,
        };
        template::copy(&controller.path("dc"));
        controller.configure();
        controller.up();
        Some(controller)
    }

    /// Where it listens: LDAP 389 and 636, global catalog 3268 and 3269.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The authority that signed for it, as PEM.
    pub fn ca(&self) -> &str {
        self.authority.pem()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn configure(&self) {
        let dc = self.path("dc");
        let names = ["dc1.ad.example.test", self.address.as_str()];
        let files = self.authority.install(&dc, &names, Certificate::Good);
        template::configure(&dc, &self.address, &files);
    }

    /// Starts it, again after [`SambaAd::kill`].
    ///
    /// # Panics
    /// It does not come up.
    pub fn up(&mut self) {
        // left behind by one that was killed
        let _ = std::fs::remove_dir_all(self.path("dc/run"));
        for name in ["run", "winbindd", "ncalrpc"] {
            std::fs::create_dir_all(self.path("dc").join(name)).expect("make a directory");
        }
        let mut line = words(["unshare", "-m", "-p", "-f", "--mount-proc", "--kill-child"]);
        line.extend(self.jail());
        line.extend(words(["/usr/sbin/samba", "-F", "--no-process-group", "-s"]));
        line.push(self.path("dc/smb.conf").into());
        self.process = Some(Process::start(&line, &self.path("log")));
        until("the domain controller answers", || {
            let running = self.process.as_ref().is_some_and(Process::runs);
            assert!(running, "samba ended: {}", self.log());
            let base = ["-s", "base", "-b", "", "defaultNamingContext"];
            self.client("ldapsearch", "ldap")
                .args(base)
                .output()
                .ok()
                .filter(|output| output.status.success())
        });
        until("winbind answers", || {
            self.winbind("wbinfo")
                .arg("-P")
                .output()
                .ok()
                .filter(|output| output.status.success())
        });
    }

    /// The words in front of a program that is to see its winbind, as a member of the domain sees its own.
    pub fn before(&self) -> Vec<OsString> {
        let mut all = words(["unshare", "-m"]);
        all.extend(self.jail());
        all
    }

    fn jail(&self) -> Vec<OsString> {
        std::fs::create_dir_all("/run/samba/winbindd").expect("make a directory");
        let mut all = words(["bash", "-c", JAIL]);
        all.push(self.path("dc/winbindd").into());
        all
    }

    /// A client of its winbind.
    pub fn winbind(&self, program: &str) -> Command {
        let before = self.before();
        let (first, rest) = before.split_first().expect("a program");
        let mut command = Command::new(first);
        command.args(rest).arg(program);
        command
    }

    /// An LDAP client that trusts it.
    fn client(&self, program: &str, scheme: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LDAPTLS_CACERT", self.path("dc/ca.pem")).args([
            "-x",
            "-H",
            &format!("{scheme}://{}", self.address),
        ]);
        command
    }

    /// What `ldapsearch` prints as a user, who is refused where it is an error.
    pub fn search_as(
        &self,
        user: &str,
        password: &str,
        base: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<String, String> {
        let output = self
            .client("ldapsearch", "ldaps")
            .args(["-LLL", "-o", "ldif-wrap=no", "-D", user, "-w", password])
            .args(["-b", base, filter])
            .args(attributes)
            .output()
            .expect("run ldapsearch");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        Err(text(&output.stderr))
    }

    /// One attribute of a user.
    ///
    /// # Panics
    /// It cannot be read.
    pub fn attribute(&self, user: &str, name: &str) -> Option<String> {
        let filter = format!("(sAMAccountName={user})");
        let found = self
            .search_as(SERVICE, SERVICE_PASSWORD, BASE, &filter, &[name])
            .unwrap_or_else(|error| panic!("{error}"));
        let start = format!("{name}: ");
        let line = found.lines().find_map(|line| line.strip_prefix(&start));
        line.map(str::to_owned)
    }

    /// Locks a user by three wrong passwords.
    ///
    /// # Panics
    /// It takes one of them.
    pub fn lock(&self, user: &str) {
        for _ in 0..3 {
            let name = format!("{user}@{DOMAIN}");
            let answer = self.search_as(
                &name,
                "Wrong-Passw0rd",
                BASE,
                "(objectClass=domain)",
                &["1.1"],
            );
            assert!(answer.is_err(), "a wrong password was taken");
        }
    }

    /// How many wrong passwords of a user it has counted.
    pub fn bad_passwords(&self, user: &str) -> u32 {
        let count = self.attribute(user, "badPwdCount");
        count.map_or(0, |text| text.parse().expect("a number"))
    }

    /// Changes entries as the administrator, by LDIF.
    ///
    /// # Panics
    /// It refuses.
    pub fn modify(&self, ldif: &str) {
        let file = self.path("change.ldif");
        std::fs::write(&file, ldif).expect("write a file");
        let mut command = self.client("ldapmodify", "ldaps");
        command
            .args(["-D", ADMINISTRATOR, "-w", ADMINISTRATOR_PASSWORD, "-f"])
            .arg(file);
        run(&mut command);
    }

    /// Sets one attribute of an entry as the administrator.
    pub fn set(&self, dn: &str, name: &str, value: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {name}\n{name}: {value}\n"
        ));
    }

    /// `samba-tool` on its own database, such as `["user", "setpassword", …]`.
    ///
    /// # Panics
    /// It refuses.
    pub fn tool(&self, args: &[&str]) -> String {
        let mut command = Command::new("samba-tool");
        command
            .args(args)
            .arg("-H")
            .arg(self.path("dc/private/sam.ldb"))
            .arg("-s")
            .arg(self.path("dc/smb.conf"));
        run(&mut command)
    }

    /// What it printed and logged.
    pub fn log(&self) -> String {
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        read(self.path("log")) + &read(self.path("dc/samba.log"))
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops it where it is.
    pub fn freeze(&self) {
        self.process.iter().for_each(Process::freeze);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.iter().for_each(Process::thaw);
    }

    /// The directory around it, for files of the test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// A loopback address on whose ports nobody listens.
fn free_address() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    for _ in 0..100 {
        let last = NEXT.fetch_add(1, Ordering::Relaxed) % 200 + 10;
        let address = format!("127.{}.{low}.{last}", 64 + high % 128);
        let free = |port| TcpListener::bind((address.as_str(), port)).is_ok();
        if [389, 636, 3268, 3269, 135, 445].into_iter().all(free) {
            return address;
        }
    }
    panic!("no free loopback address");
}

#[cfg(test)]
mod tests;
