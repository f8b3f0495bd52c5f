//! The command line without a server.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

fn run(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(PROGRAM)
        .args(args)
        .current_dir(folder.path())
        .env("COLUMNS", "100")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_status_is_explained_by_number_and_by_name() {
    insta::assert_snapshot!("status_1013", stdout(&run(&["status", "1013"])));
    insta::assert_snapshot!("status_minus_106", stdout(&run(&["status", "-106"])));
    assert_eq!(
        stdout(&run(&["status", "stat_challenge_invalid"])),
        stdout(&run(&["status", "1013"]))
    );
    let unknown = run(&["status", "STAT_CHALENGE_INVALID"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        stderr(&unknown).contains("did you mean STAT_CHALLENGE_INVALID?"),
        "{}",
        stderr(&unknown)
    );
}

#[test]
fn status_alone_lists_every_code() {
    let list = stdout(&run(&["status"]));
    let codes = countersign_engine::Status::all();
    assert_eq!(list.lines().count(), codes.len());
    for status in codes {
        assert!(
            list.contains(&format!("{:>5}  {}  ", status.number(), status.name())),
            "{status}"
        );
    }
}

#[test]
fn a_wrong_configuration_names_file_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[http]\nlisen = \"x\"\n").unwrap();
    let path = file.to_str().unwrap();
    for args in [
        &["config", "check", "--config", path][..],
        &["audit", "verify", "--config", path],
        &["serve", "--config", path],
    ] {
        let refused = run(args);
        assert!(!refused.status.success(), "{args:?}");
        let said = stderr(&refused);
        assert!(
            said.contains(&format!(
                "{path}, line 2: unknown key http.lisen; did you mean listen?"
            )),
            "{said}"
        );
    }
    let missing = run(&["config", "check", "--config", "/nowhere.toml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        stderr(&missing).contains("/nowhere.toml"),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn a_usable_configuration_is_shown_with_its_origins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[radius]\nthreads = 3\n").unwrap();
    let shown = stdout(&run(&[
        "config",
        "check",
        "--config",
        file.to_str().unwrap(),
        "--data-dir",
        "here",
    ]));
    let line = |name: &str| {
        shown
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{shown}"))
            .to_owned()
    };
    assert!(
        line("radius.threads").ends_with(&format!("3  ({})", file.display())),
        "{shown}"
    );
    assert!(
        line("data_dir").ends_with("\"here\"  (the command line)"),
        "{shown}"
    );
    assert!(
        line("log.level").ends_with("\"info\"  (default)"),
        "{shown}"
    );
}

#[test]
fn the_reference_of_the_configuration_stands_in_the_documents() {
    let reference = stdout(&run(&["config", "reference"]));
    let page = format!(
        "# Configuration\n\nPrinted by `countersign config reference`. A file named by `--config FILE` or `COUNTERSIGN_CONFIG` sets these keys; the environment beats the\nfile, options of `serve` beat both. `countersign config check` shows every value with its origin.\n\n```toml\n{reference}```\n"
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        page,
        "run the test with UPDATE=1 to rewrite docs/configuration.md"
    );
}

#[test]
fn completion_knows_commands_objects_verbs_and_fields() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&run(&["completion", shell]));
        let deepest = if shell == "fish" {
            "set-password"
        } else {
            "secret_hex"
        }; // fish gets two levels of subcommands
        for word in ["accept-rollback", "set-password", deepest] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(!run(&["completion", "nosuch"]).status.success());
}

/// Every command, with the words that lead to its help.
const COMMANDS: [&[&str]; 16] = [
    &[],
    &["serve"],
    &["demo"],
    &["admin"],
    &["import"],
    &["audit"],
    &["audit", "verify"],
    &["audit", "tail"],
    &["audit", "accept-rollback"],
    &["status"],
    &["explain"],
    &["key"],
    &["key", "escrow"],
    &["config"],
    &["config", "check"],
    &["completion"],
];

#[test]
fn every_command_has_help_with_an_example() {
    let mut all = String::new();
    for words in COMMANDS {
        let help = run(&[words, &["--help"]].concat());
        assert!(help.status.success(), "{words:?}: {}", stderr(&help));
        let text = stdout(&help);
        assert!(text.contains("Example"), "{words:?}:\n{text}");
        all.push_str(&format!(
            "$ countersign {}\n{text}\n",
            [words, &["--help"]].concat().join(" ")
        ));
    }
    insta::assert_snapshot!("help", all);
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(
        stdout(&run(&["--version"])),
        format!("countersign {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn admin_explains_objects_and_verbs_without_a_server() {
    let objects = stdout(&run(&["admin"]));
    assert!(
        objects.contains("\n  user ") && objects.contains("set-password"),
        "{objects}"
    );
    let verbs = stdout(&run(&["admin", "user", "--help"]));
    assert!(verbs.contains("user unlock"), "{verbs}");
    let fields = stdout(&run(&["admin", "user", "create", "--help"]));
    assert!(
        fields.contains("--user ")
            && fields.contains("(required)")
            && fields.contains("countersign admin user create --"),
        "{fields}"
    );
    let wrong = run(&["admin", "user", "unlok"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        stderr(&wrong).contains("did you mean unlock?"),
        "{}",
        stderr(&wrong)
    );
}

#[test]
fn a_wrong_field_is_refused_before_anything_is_sent() {
    let refused = run(&["admin", "user", "unlock", "--usr", "alice"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("refused: -101 STAT_INVDATA")
            && stderr(&refused).contains("did you mean user?"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn without_a_server_a_command_says_what_to_do() {
    let failed = run(&["admin", "user", "view", "--user", "alice"]);
    assert_eq!(failed.status.code(), Some(2));
    assert!(
        stderr(&failed).contains(
            "find a running server in ./countersign-data; start one, or name it by --server URL"
        ),
        "{}",
        stderr(&failed)
    );
    let refused = run(&[
        "admin",
        "--server",
        "https://127.0.0.1:1",
        "--ca",
        "/nowhere.pem",
        "user",
        "view",
        "--user",
        "alice",
    ]);
    assert_eq!(refused.status.code(), Some(2));
    for command in [
        &["audit", "verify"][..],
        &["audit", "tail"],
        &["explain", "x"],
    ] {
        let failed = run(command);
        assert_eq!(failed.status.code(), Some(2), "{command:?}");
        assert!(
            stderr(&failed).contains("check --data-dir and --store"),
            "{}",
            stderr(&failed)
        );
    }
}
