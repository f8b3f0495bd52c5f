//! A provisioned domain, made once on this machine and copied for each controller: copying is thirty times faster.

use super::{ADMINISTRATOR_PASSWORD, DOMAIN, NETBIOS, PASSWORD, SERVICE_PASSWORD};
use crate::authority::Files;
use crate::process::run;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes the users; a program of its own, since one call of `samba-tool` takes a second.
const USERS: &str = include_str!("users.py");

/// Puts a provisioned domain at `to`.
///
/// # Panics
/// It cannot be made.
pub(super) fn copy(to: &Path) {
    let template = made();
    run(Command::new("cp")
        .args(["-a", "--sparse=always"])
        .arg(template)
        .arg(to));
}

fn made() -> PathBuf {
    let common = std::env::temp_dir().join("countersign-test-samba");
    std::fs::create_dir_all(&common).expect("make a directory");
    let version = run(Command::new("samba-tool").arg("--version"));
    let name = format!("{}-{:08x}", version.trim(), fingerprint(USERS));
    let template = common.join(&name);
    let lock = File::options()
        .create(true)
        .append(true)
        .open(common.join("lock"))
        .expect("open a lock file");
    lock.lock().expect("lock a file");
    if !template.exists() {
        let half = common.join("half");
        let _ = std::fs::remove_dir_all(&half); // left over by one who was killed
        provision(&half);
        std::fs::rename(&half, &template).expect("keep the domain");
    }
    template
}

/// Tells one text from another.
fn fingerprint(text: &str) -> u32 {
    let step = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    text.bytes().fold(0x811c_9dc5, step)
}

fn provision(at: &Path) {
    std::fs::create_dir(at).expect("make a directory");
    let empty = at.join("empty.conf"); // or that of the distribution is read
    std::fs::write(&empty, "").expect("write a file");
    run(Command::new("samba-tool")
        .args(["domain", "provision", "--quiet", "--server-role=dc"])
        .args(["--dns-backend=NONE", "--host-name=dc1"])
        .args(["--host-ip=127.0.0.10", "--option=interfaces=127.0.0.10/8"])
        .arg("--option=bind interfaces only=yes")
        .arg(format!("--realm={}", DOMAIN.to_uppercase()))
        .arg(format!("--domain={NETBIOS}"))
        .arg(format!("--adminpass={ADMINISTRATOR_PASSWORD}"))
        .arg("-s")
        .arg(&empty)
        .arg(format!("--targetdir={}", at.display())));
    let program = at.join("users.py");
    std::fs::write(&program, USERS).expect("write a file");
    // the modules belong to the interpreter of the distribution
    run(Command::new("/usr/bin/python3")
        .arg(program)
        .arg(at.join("etc/smb.conf"))
        .arg(at.join("private/sam.ldb"))
        .args([PASSWORD, SERVICE_PASSWORD]));
}

/// Writes the configuration of a controller at an address.
pub(super) fn configure(dc: &Path, address: &str, files: &Files) {
    let at = dc.display();
    let text = format!(
        "[global]
netbios name = DC1
realm = {realm}
workgroup = {NETBIOS}
server role = active directory domain controller
server services = ldap, winbindd, rpc, cldap
interfaces = {address}/8
bind interfaces only = yes
private dir = {at}/private
state directory = {at}/state
cache directory = {at}/cache
lock directory = {at}
pid directory = {at}/run
ncalrpc dir = {at}/ncalrpc
winbindd socket directory = {at}/winbindd
log file = {at}/samba.log
logging = file
tls enabled = yes
tls keyfile = {key}
tls certfile = {certificate}
tls cafile = {authority}
ldap server require strong auth = allow_sasl_over_tls
ntlm auth = mschapv2-and-ntlmv2-only
load printers = no
disable spoolss = yes
",
        realm = DOMAIN.to_uppercase(),
        key = files.key.display(),
        certificate = files.certificate.display(),
        authority = files.authority.display(),
    );
    std::fs::write(dc.join("smb.conf"), text).expect("write a file");
    let _ = std::fs::create_dir_all(dc.join("cache")); // it may be there
}
