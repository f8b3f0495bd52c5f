//! OpenLDAP's slapd with the password policy overlay, with users in every state that a policy knows.

use crate::authority::{Authority, Certificate, Files};
use crate::postgres::free_port;
use crate::process::{Process, run, words};
use crate::{peer, until};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where everything of it lies.
pub const BASE: &str = "dc=example,dc=test";
/// Where its users lie.
pub const PEOPLE: &str = "ou=people,dc=example,dc=test";
/// Where its groups lie.
pub const GROUPS: &str = "ou=groups,dc=example,dc=test";
/// The password of every user.
pub const PASSWORD: &str = "Passw0rd-1";
/// Who may read, for searches.
pub const SERVICE: &str = "cn=service,dc=example,dc=test";
/// Its password.
pub const SERVICE_PASSWORD: &str = "Svc-Passw0rd-1";
/// Who may do everything.
pub const ADMINISTRATOR: &str = "cn=admin,dc=example,dc=test";
/// His password.
pub const ADMINISTRATOR_PASSWORD: &str = "Adm1n-Passw0rd";

const SERVER: &str = "/usr/sbin/slapd";
const ADD: &str = "/usr/sbin/slapadd";
const PEOPLE_LDIF: &str = include_str!("slapd/people.ldif");

/// Users, and what the overlay knows of them; `default` is the policy of whoever names none.
const USERS: [(&str, &str); 14] = [
    ("normal", ""),
    (
        "locked",
        "pwdPolicySubentry: cn=for-ever,ou=policies,dc=example,dc=test\npwdAccountLockedTime: 20200101000000Z\n",
    ),
    (
        "expired",
        "pwdPolicySubentry: cn=short,ou=policies,dc=example,dc=test\npwdChangedTime: 20200101000000Z\n",
    ),
    (
        "grace",
        "pwdPolicySubentry: cn=grace,ou=policies,dc=example,dc=test\npwdChangedTime: 20200101000000Z\n",
    ),
    (
        "warn",
        "pwdPolicySubentry: cn=warn,ou=policies,dc=example,dc=test\npwdChangedTime: 20200101000000Z\n",
    ),
    ("mustchange", "pwdReset: TRUE\n"),
    (
        "young",
        "pwdPolicySubentry: cn=young,ou=policies,dc=example,dc=test\npwdChangedTime: 20350101000000Z\n",
    ),
    ("chpw", ""),
    ("wrong", ""),
    ("learner", ""),
    ("nested1", ""),
    ("outsider", ""),
    ("newcomer", ""),
    ("long", ""),
];

/// A slapd: user `normal`, one for each state of [`PEOPLE`], `nested1` in `g-inner` in `g-mid` in `g-outer`. Three wrong
/// passwords lock.
#[derive(Debug)]
pub struct Slapd {
    dir: TempDir,
    ports: (u16, u16),
    authority: Authority,
    process: Option<Process>,
}

impl Slapd {
    /// A running server; `None` with a word on standard error where slapd is missing and may be.
    ///
    /// # Panics
    /// It is missing although it must not be, or does not start.
    pub fn start() -> Option<Self> {
        Self::with(Certificate::Good, "")
    }

    /// A running server that shows such a certificate, with further entries and lines of configuration.
    ///
    /// # Panics
    /// It is missing although it must not be, or does not start.
    pub fn with(certificate: Certificate, ldif: &str) -> Option<Self> {
        for program in [SERVER, "ldapsearch"] {
            peer::find(program)?;
        }
        let mut server = Self {
            dir: tempfile::tempdir().expect("make a directory"),
            ports: (free_port(), free_port()),
            authority: Authority::new(),
            process: None,
        };
        std::fs::create_dir(server.path("db")).expect("make a directory");
        server.present(certificate);
        server.load(&format!("{PEOPLE_LDIF}{}{ldif}", entries()));
        server.up();
        Some(server)
    }

    /// The port without TLS, on which StartTLS is offered, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.ports.0
    }

    /// The port of LDAPS, on 127.0.0.1.
    pub fn tls_port(&self) -> u16 {
        self.ports.1
    }

    /// The authority that signed for it, as PEM.
    pub fn ca(&self) -> &str {
        self.authority.pem()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Shows such a certificate from the next start on.
    ///
    /// # Panics
    /// Its configuration cannot be written.
    pub fn present(&self, certificate: Certificate) {
        let names = ["localhost", "127.0.0.1"];
        let files = self.authority.install(self.dir.path(), &names, certificate);
        std::fs::write(
            self.path("slapd.conf"),
            configuration(self.dir.path(), &files),
        )
        .expect("write a file");
    }

    /// Loads entries while it is down, 20,000 in a second; operational attributes may be among them.
    ///
    /// # Panics
    /// They are refused, or it runs.
    pub fn load(&self, ldif: &str) {
        assert!(self.process.is_none(), "slapd runs");
        let file = self.path("load.ldif");
        std::fs::write(&file, ldif).expect("write a file");
        let mut command = Command::new(ADD);
        command.arg("-q").arg("-f").arg(self.path("slapd.conf"));
        run(command.arg("-l").arg(file));
    }

    /// Starts it, again after [`Slapd::kill`].
    ///
    /// # Panics
    /// It does not come up.
    pub fn up(&mut self) {
        let (port, tls_port) = self.ports;
        let listen = format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/");
        let mut line = words([SERVER, "-d", "0", "-h", listen.as_str(), "-f"]);
        line.push(self.path("slapd.conf").into());
        self.process = Some(Process::start(&line, &self.path("log")));
        until("slapd answers", || {
            let running = self.process.as_ref().is_some_and(Process::runs);
            assert!(running, "slapd ended: {}", self.log());
            let mut client = self.client("ldapsearch");
            let output = client.args(["-s", "base", "-b", "", "1.1"]).output().ok()?;
            output.status.success().then_some(())
        });
    }

    /// A client without TLS.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-x", "-H", &format!("ldap://127.0.0.1:{}", self.port())]);
        command
    }

    /// Runs a client of OpenLDAP such as `ldapsearch` or `ldappasswd` as an entry; what it printed, or why it failed.
    pub fn run_as(
        &self,
        dn: &str,
        password: &str,
        program: &str,
        args: &[&str],
    ) -> Result<String, String> {
        let output = self
            .client(program)
            .args(["-D", dn, "-w", password])
            .args(args)
            .output()
            .expect("run a client of OpenLDAP");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let printed = text(&output.stdout) + &text(&output.stderr);
        if output.status.success() {
            Ok(printed)
        } else {
            Err(printed)
        }
    }

    /// One attribute of an entry, as the administrator sees it.
    ///
    /// # Panics
    /// It cannot be read.
    pub fn attribute(&self, dn: &str, name: &str) -> Option<String> {
        let args = ["-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, name];
        let found = self
            .run_as(ADMINISTRATOR, ADMINISTRATOR_PASSWORD, "ldapsearch", &args)
            .unwrap_or_else(|error| panic!("{error}"));
        let start = format!("{name}: ");
        let line = found.lines().find_map(|line| line.strip_prefix(&start));
        line.map(str::to_owned)
    }

    /// How many wrong passwords of a user it remembers.
    pub fn bad_passwords(&self, user: &str) -> usize {
        let dn = user_dn(user);
        let args = ["-LLL", "-s", "base", "-b", &dn, "pwdFailureTime"];
        let found = self
            .run_as(ADMINISTRATOR, ADMINISTRATOR_PASSWORD, "ldapsearch", &args)
            .unwrap_or_else(|error| panic!("{error}"));
        let lines = found.lines();
        lines
            .filter(|line| line.starts_with("pwdFailureTime:"))
            .count()
    }

    /// Changes entries as the administrator, by LDIF with `changetype`.
    ///
    /// # Panics
    /// It refuses.
    pub fn modify(&self, ldif: &str) {
        let file = self.path("change.ldif");
        std::fs::write(&file, ldif).expect("write a file");
        let file = file.display().to_string();
        let args = ["-f", file.as_str()];
        self.run_as(ADMINISTRATOR, ADMINISTRATOR_PASSWORD, "ldapmodify", &args)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Sets one attribute of an entry as the administrator.
    pub fn set(&self, dn: &str, name: &str, value: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {name}\n{name}: {value}\n"
        ));
    }

    /// Gives a user another password, as he does himself, so that the policy takes no notice.
    ///
    /// # Panics
    /// It is refused.
    pub fn change_password(&self, user: &str, old: &str, new: &str) {
        let args = ["-a", old, "-s", new];
        self.run_as(&user_dn(user), old, "ldappasswd", &args)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// What it printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
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

/// Where a user lies.
pub fn user_dn(user: &str) -> String {
    format!("uid={user},{PEOPLE}")
}

/// A user as an entry, with further lines.
pub fn user_entry(user: &str, further: &str) -> String {
    format!(
        "dn: {}\nobjectClass: inetOrgPerson\nuid: {user}\ncn: {user} User\nsn: User\nmail: {user}@example.test\n\
         mobile: +32470000000\ntelephoneNumber: +3200\nuserPassword: {PASSWORD}\n{further}\n",
        user_dn(user)
    )
}

/// A group as an entry, with members by their DN.
pub fn group_entry(name: &str, members: &[&str]) -> String {
    let mut text = format!("dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n");
    for member in members {
        let _ = writeln!(text, "member: {member}"); // into a string, which takes everything
    }
    text + "\n"
}

fn entries() -> String {
    let mut text = format!(
        "dn: {SERVICE}\nobjectClass: device\nobjectClass: simpleSecurityObject\ncn: service\nuserPassword: {SERVICE_PASSWORD}\n\n"
    );
    for (user, further) in USERS {
        text += &user_entry(user, further);
    }
    let nested = user_dn("nested1");
    text += &group_entry("g-inner", &[&nested]);
    text += &group_entry("g-mid", &[&format!("cn=g-inner,{GROUPS}")]);
    text += &group_entry("g-outer", &[&format!("cn=g-mid,{GROUPS}")]);
    text += &group_entry("staff", &[&user_dn("normal"), &user_dn("learner")]);
    text + &format!(
        "dn: cn=unix,{GROUPS}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 1000\nmemberUid: normal\n\n"
    )
}

fn configuration(dir: &Path, files: &Files) -> String {
    let at = dir.display();
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload memberof
pidfile {at}/slapd.pid
argsfile {at}/slapd.args
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSVerifyClient never
password-hash {{SSHA}}
sizelimit size.soft=500 size.hard=500 size.pr=1000 size.prtotal=unlimited
database mdb
suffix {BASE}
rootdn {ADMINISTRATOR}
rootpw {ADMINISTRATOR_PASSWORD}
directory {at}/db
maxsize 268435456
dbnosync
index objectClass,uid,cn,mail,member,memberUid,entryUUID eq
access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by anonymous auth
overlay memberof
overlay ppolicy
ppolicy_default cn=default,ou=policies,{BASE}
ppolicy_use_lockout
ppolicy_hash_cleartext
",
        authority = files.authority.display(),
        certificate = files.certificate.display(),
        key = files.key.display(),
    )
}

#[cfg(test)]
mod tests;
