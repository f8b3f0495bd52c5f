//! The program under test.

use crate::curl::{self, Answer};
use crate::https::Https;
use crate::radclient::{self, Packet};
use crate::radius::Raw;
use crate::secrets::{self, Kind};
use crate::store::{Lock, Store};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a start may take.
const START: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Further arguments of `serve`.
    pub args: Vec<OsString>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// The data directory instead of one in the server's own temporary directory.
    pub data_dir: Option<PathBuf>,
    /// Where RADIUS is listened for instead of 127.0.0.1, such as `[::1]:0`.
    pub radius: Option<String>,
    /// A program before it, such as `faketime` and its arguments.
    pub before: Vec<OsString>,
    /// The store instead of a new one of the kind that the run of the tests is on.
    pub store: Option<Store>,
}

/// A running `countersign serve` on free ports, in a directory of its own.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    dir: TempDir,
    options: Options,
    child: Option<Child>,
    ready: Value,
    first_run: Value,
    token: Option<String>,
    connection: RefCell<Option<Https>>,
    radius_timeout: f32,
    store: Store,
}

impl Server {
    /// Starts the program with an empty data directory.
    ///
    /// # Panics
    /// It does not come up.
    pub fn start(program: &str, options: Options) -> Self {
        let dir = tempfile::tempdir().expect("make a directory");
        Self::start_in(program, options, dir)
    }

    /// Starts the program with its data in a directory.
    ///
    /// # Panics
    /// It does not come up.
    pub fn start_in(program: &str, options: Options, dir: TempDir) -> Self {
        let store = options.store.clone().unwrap_or_else(Store::chosen);
        let mut server = Self {
            program: program.into(),
            dir,
            options,
            child: None,
            ready: Value::Null,
            first_run: Value::Null,
            token: None,
            connection: RefCell::default(),
            radius_timeout: 5.0,
            store,
        };
        server.up();
        server
    }

    /// Starts another node of the same deployment: on the same store, with a copy of the root key, under a name of its own.
    ///
    /// # Panics
    /// It does not come up.
    pub fn node(&self, name: &str, options: Options) -> Self {
        self.try_node(name, options)
            .unwrap_or_else(|log| panic!("node {name} did not start:\n{log}"))
    }

    /// As [`Server::node`]; what it printed if it ended instead.
    pub fn try_node(&self, name: &str, mut options: Options) -> Result<Self, String> {
        let key = std::fs::canonicalize(self.data_dir().join("root.key")).expect("a root key");
        options.env.extend([
            ("COUNTERSIGN_NODE".to_owned(), name.to_owned()),
            (
                "COUNTERSIGN_ROOT_KEY".to_owned(),
                format!("file:{}", key.display()),
            ),
        ]);
        let store = options.store.clone().unwrap_or_else(|| self.store.clone());
        let mut node = Self {
            program: self.program.clone(),
            dir: tempfile::tempdir().expect("make a directory"),
            options,
            child: None,
            ready: Value::Null,
            first_run: self.first_run.clone(),
            token: None,
            connection: RefCell::default(),
            radius_timeout: self.radius_timeout,
            store,
        };
        node.try_up()?;
        Ok(node)
    }

    /// Starts it again, on the same data.
    ///
    /// # Panics
    /// It does not come up.
    pub fn up(&mut self) {
        self.try_up()
            .unwrap_or_else(|log| panic!("the server did not start:\n{log}"));
    }

    /// Starts it; what it printed if it ended instead.
    pub fn try_up(&mut self) -> Result<(), String> {
        let ready = self.dir.path().join("ready.json");
        let _ = std::fs::remove_file(&ready);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("open the log");
        let mut words: Vec<OsString> = self.options.before.clone();
        words.push(self.program.clone().into());
        let (first, rest) = words.split_first().expect("a program");
        let mut child = Command::new(first)
            .args(rest)
            .args(["serve", "--http", "127.0.0.1:0", "--radius"])
            .arg(self.options.radius.as_deref().unwrap_or("127.0.0.1:0"))
            .arg("--data-dir")
            .arg(self.data_dir())
            .arg("--ready-file")
            .arg(&ready)
            .args(self.store_words())
            .args(&self.options.args)
            .envs(self.options.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("share the log"))
            .stderr(log)
            .spawn()
            .expect("start the server");
        let begun = Instant::now();
        loop {
            if let Some(value) = std::fs::read(&ready)
                .ok()
                .and_then(|text| serde_json::from_slice(&text).ok())
            {
                self.ready = value;
                break;
            }
            if child.try_wait().expect("look at the server").is_some() || begun.elapsed() > START {
                let _ = child.kill();
                let _ = child.wait();
                return Err(self.log());
            }
            std::thread::sleep(Duration::from_millis(10)); // nothing tells when a file appears
        }
        self.child = Some(child);
        if self.first_run.is_null() {
            let text =
                std::fs::read(self.data_dir().join("first-run.json")).expect("read first-run.json");
            self.first_run = serde_json::from_slice(&text).expect("first-run.json is JSON");
            secrets::note(Kind::Key, &self.radius_secret());
            secrets::note(Kind::Typed, &self.administrator().1);
        }
        Ok(())
    }

    /// The options that name its store.
    fn store_words(&self) -> Vec<String> {
        let url = self.store.url();
        url.map_or_else(Vec::new, |url| vec!["--store".to_owned(), url])
    }

    /// How it is started from now on.
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// Kills it without a chance to finish anything.
    pub fn kill(&mut self) {
        self.connection.take();
        let pid = self.pid();
        if let Some(mut child) = self.child.take() {
            if pid != child.id() && matches!(child.try_wait(), Ok(None)) {
                let _ = Command::new("kill")
                    .args(["-KILL", &pid.to_string()])
                    .status(); // gone already is as good
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it gracefully.
    ///
    /// # Panics
    /// It does not end with success.
    pub fn stop(&mut self) {
        self.connection.take();
        self.signal("TERM");
        let Some(mut child) = self.child.take() else {
            return;
        };
        let begun = Instant::now();
        while child.try_wait().expect("look at the server").is_none() {
            assert!(
                begun.elapsed() < START,
                "the server does not stop:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10)); // no portable wait with a limit
        }
        let status = child.wait().expect("wait for the server");
        assert!(
            status.success(),
            "the server ended with {status}:\n{}",
            self.log()
        );
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        if self.child.is_some() {
            let sent = Command::new("kill")
                .args([format!("-{name}"), self.pid().to_string()])
                .status();
            assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
        }
    }

    /// Its process id, also where a program before it (faketime) is its parent.
    pub fn pid(&self) -> u32 {
        let own = self.child.as_ref().map_or(0, Child::id);
        let told = self.ready["pid"].as_u64().filter(|_| own != 0);
        told.and_then(|pid| u32::try_from(pid).ok()).unwrap_or(own)
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.options
            .data_dir
            .clone()
            .unwrap_or_else(|| self.dir.path().join("data"))
    }

    /// The directory around it, for files of the test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The database file; there is none where the store is [`Store::Postgres`].
    pub fn database(&self) -> PathBuf {
        self.data_dir().join("countersign.db")
    }

    /// Its store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The store of it from now on, such as the one that a standby took over.
    pub fn set_store(&mut self, store: Store) {
        self.store = store;
    }

    /// Changes rows behind its back by one INSERT, UPDATE or DELETE; how many.
    pub fn change_rows(&self, sql: &str) -> usize {
        self.store.change(&self.database(), sql)
    }

    /// Runs statements on its store behind its back.
    pub fn alter_store(&self, sql: &str) {
        self.store.alter(&self.database(), sql);
    }

    /// The number that a query of its store answers.
    pub fn count(&self, sql: &str) -> i64 {
        self.store.number(&self.database(), sql)
    }

    /// Lets nobody write to its store until the value is dropped.
    pub fn lock_store(&self) -> Lock {
        self.store.lock(&self.database())
    }

    /// Makes its store refuse every write until [`Server::take_writes`].
    pub fn refuse_writes(&self) {
        self.store.refuse_writes(&self.database());
    }

    /// Makes its store take writes again.
    pub fn take_writes(&self) {
        self.store.take_writes(&self.database());
    }

    /// Keeps a copy of its store while it is stopped.
    pub fn copy_store(&self) {
        self.store.keep_copy(&self.database());
    }

    /// Puts the copy back while it is stopped.
    pub fn put_store_back(&self) {
        self.store.put_back(&self.database());
    }

    /// Removes its store while it is stopped.
    pub fn remove_store(&self) {
        self.store.clear(&self.database());
    }

    /// Whether these bytes stand in its store.
    pub fn store_holds(&self, bytes: &[u8]) -> bool {
        self.store.holds(&self.database(), bytes)
    }

    /// What its store holds, for a search: text as text.
    pub fn store_content(&self) -> Vec<u8> {
        self.store.content(&self.database())
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Everything it printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// A field of the ready file.
    ///
    /// # Panics
    /// It is not there.
    pub fn ready(&self, name: &str) -> String {
        self.ready[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {}", self.ready))
            .to_owned()
    }

    /// The RADIUS secret of the first run.
    pub fn radius_secret(&self) -> String {
        self.first_run["radius"]["secret"]
            .as_str()
            .expect("a RADIUS secret")
            .to_owned()
    }

    /// User ID and password of the first administrator.
    pub fn administrator(&self) -> (String, String) {
        let part = |name: &str| {
            self.first_run["admin"][name]
                .as_str()
                .expect("an administrator")
                .to_owned()
        };
        (part("user"), part("password"))
    }

    /// A URL of the API.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready("http"))
    }

    /// `POST /v1/auth/VERB` with the body as it is.
    pub fn auth(&self, verb: &str, body: &Value) -> Answer {
        curl::post(&self.url(&format!("/v1/auth/{verb}")), body, &[])
    }

    /// `POST /v1/admin/OBJECT/VERB` as the first administrator, who is logged on when needed.
    pub fn admin(&mut self, command: &str, body: Value) -> Answer {
        let token = self.token();
        self.post(
            &format!("/v1/admin/{command}"),
            &[format!("Authorization: Bearer {token}")],
            &body,
        )
    }

    /// A POST over the kept connection, which is made anew when it broke.
    ///
    /// # Panics
    /// There is no connection.
    pub fn post(&self, path: &str, headers: &[String], body: &Value) -> Answer {
        secrets::note_json(body);
        let mut kept = self.connection.borrow_mut();
        if let Some(connection) = kept.as_mut()
            && let Ok(answer) = connection.post(path, headers, body)
        {
            secrets::note_answer(path, &answer.body);
            return answer;
        }
        let mut connection = self.https();
        let answer = connection
            .post(path, headers, body)
            .expect("an answer over HTTPS");
        *kept = Some(connection);
        secrets::note_answer(path, &answer.body);
        answer
    }

    /// A new connection that is kept open, for volume.
    ///
    /// # Panics
    /// There is no connection.
    pub fn https(&self) -> Https {
        Https::connect(
            &self.ready("http"),
            &self.data_dir().join("certificate.pem"),
        )
        .expect("connect by HTTPS")
    }

    /// A socket towards the RADIUS authentication port, with the secret of the first run.
    pub fn raw(&self) -> Raw {
        Raw::to(
            &self.ready("radius_auth"),
            &self.radius_secret(),
            Duration::from_secs(10),
        )
    }

    /// The metrics as text.
    pub fn metrics(&self) -> String {
        let health = self.ready("health");
        let base = if health.contains("://") {
            health
        } else {
            format!("http://{health}")
        };
        curl::get(&format!("{}/metrics", base.trim_end_matches('/'))).text
    }

    /// The sum of a counter over all lines whose labels contain `label`.
    pub fn metric(&self, name: &str, label: &str) -> u64 {
        let text = self.metrics();
        let lines = text
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>() as u64
    }

    /// As [`Server::admin`], and it must succeed.
    ///
    /// # Panics
    /// It does not.
    pub fn done(&mut self, command: &str, body: Value) -> Answer {
        let answer = self.admin(command, body.clone());
        assert_eq!(
            answer.body["status_code"], 0,
            "{command} {body}: {}",
            answer.text
        );
        answer
    }

    /// [`Server::admin`] by `curl`, for what a test is about.
    pub fn curl_admin(&mut self, command: &str, body: Value) -> Answer {
        let token = self.token();
        self.admin_as(&token, command, &body)
    }

    /// The token of the session of [`Server::admin`].
    pub fn token(&mut self) -> String {
        if self.token.is_none() {
            self.token = Some(self.logon());
        }
        self.token.clone().unwrap_or_default()
    }

    /// A command with a session token, by `curl`.
    pub fn admin_as(&self, token: &str, command: &str, body: &Value) -> Answer {
        let header = format!("Authorization: Bearer {token}");
        curl::post(
            &self.url(&format!("/v1/admin/{command}")),
            body,
            &["--header", &header],
        )
    }

    /// A new session token of the first administrator.
    pub fn logon(&self) -> String {
        let (user, password) = self.administrator();
        let answer = curl::post(
            &self.url("/v1/admin/session/logon"),
            &json!({"user": user, "password": password}),
            &[],
        );
        assert_eq!(answer.body["status_code"], 0, "log on: {}", answer.text);
        answer.text("token")
    }

    /// Forgets the session of [`Server::admin`], so that the next command logs on again.
    pub fn forget_session(&mut self) {
        self.token = None;
    }

    /// An Access-Request with a PAP password, by the RADIUS client of the first run.
    pub fn pap(&self, user: &str, password: &str) -> Packet {
        self.radius(&[
            ("User-Name", &radclient::quoted(user)),
            ("User-Password", &radclient::quoted(password)),
        ])
    }

    /// An Access-Request with these attributes, by the RADIUS client of the first run.
    pub fn radius(&self, attributes: &[(&str, &str)]) -> Packet {
        radclient::radclient(
            &self.ready("radius_auth"),
            "auth",
            &self.radius_secret(),
            attributes,
            self.radius_timeout,
        )
    }

    /// How long answers over RADIUS are awaited; short where silence is expected.
    pub fn set_radius_timeout(&mut self, seconds: f32) {
        self.radius_timeout = seconds;
    }

    /// Runs a command of the program on the same data.
    pub fn run(&self, args: &[&str]) -> std::process::Output {
        Command::new(&self.program)
            .args(args)
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(self.store_words())
            .envs(self.options.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .expect("run the program")
    }

    /// As [`Server::run`]; what it printed, which must end with success.
    ///
    /// # Panics
    /// It does not.
    pub fn run_ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{args:?}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// What the secrets of this process left in the database and in the log; it should be nothing.
    pub fn leaks(&self) -> Vec<String> {
        let printed_once = [self.administrator().1, self.radius_secret()];
        let mut leaks = secrets::found_in_bytes("the store", &self.store_content());
        let log = secrets::found_in_bytes("the log", self.log().as_bytes());
        leaks.extend(log.into_iter().filter(|leak| {
            !printed_once
                .iter()
                .any(|secret| leak.starts_with(secret.as_str()))
        }));
        leaks
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of the server ---\n{}", self.log());
        } else if !self.first_run.is_null() {
            assert_eq!(
                self.leaks(),
                Vec::<String>::new(),
                "secrets in the database or the log"
            );
        }
    }
}
