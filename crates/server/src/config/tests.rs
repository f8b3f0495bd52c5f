use super::*;

fn read(text: &str) -> String {
    match file::read("countersign.toml", text) {
        Ok(values) => format!("{values:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn errors_name_file_line_and_key() {
    for (text, expected) in [
        (
            "\n[http]\nlisen = \"x\"\n",
            "countersign.toml, line 3: unknown key http.lisen; did you mean listen?",
        ),
        (
            "[htp]\n",
            "countersign.toml, line 1: unknown section [htp]; did you mean http?",
        ),
        (
            "dat_dir = \"x\"",
            "countersign.toml, line 1: unknown key dat_dir; did you mean data_dir?",
        ),
        (
            "[radius]\n\nthreads = 1000",
            "countersign.toml, line 3: radius.threads must be a whole number from 0 to 256",
        ),
        (
            "[log]\nlevel = 3",
            "countersign.toml, line 2: log.level must be one of error, warn, info, debug, trace",
        ),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert!(read("a = = 1").starts_with("countersign.toml, line 1: "));
}

#[test]
fn the_environment_beats_the_file_and_the_command_line_beats_both() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    std::fs::write(
        &path,
        "node = \"a\"\ndata_dir = \"from-file\"\n[radius]\nthreads = 3\n",
    )
    .unwrap();
    let overrides = Overrides {
        config: Some(path),
        data_dir: Some("from-line".into()),
        ..Overrides::default()
    };
    let environment = |name: &str| (name == "COUNTERSIGN_RADIUS_THREADS").then(|| "4".to_owned());
    let config = Config::load_with(&overrides, environment).unwrap();
    assert_eq!(
        (
            config.text("node"),
            config.text("data_dir"),
            config.number("radius.threads")
        ),
        ("a", "from-line", 4)
    );
    assert_eq!(
        config.store_url().unwrap().file(),
        Some(Path::new("from-line/countersign.db"))
    );
}

#[test]
fn port_0_frees_health_and_accounting_too() {
    let any = "127.0.0.1:0".parse().unwrap();
    let overrides = Overrides {
        http: Some(any),
        radius: Some(any),
        ..Overrides::default()
    };
    let config = Config::load_with(&overrides, |_| None).unwrap();
    for name in [
        "http.listen",
        "health.listen",
        "radius.listen",
        "radius.accounting",
    ] {
        assert_eq!(config.addresses(name), [any], "{name}");
    }
}

#[test]
fn the_reference_is_a_valid_file_once_uncommented() {
    let text: String = reference()
        .lines()
        .skip(2)
        .filter(|line| line.starts_with('[') || line.contains(" = "))
        .map(|line| format!("{}\n", line.trim_start_matches("# ")))
        .collect();
    assert_eq!(
        file::read("reference", &text)
            .map(|values| values.len())
            .map_err(|error| error.to_string()),
        Ok(KEYS.len())
    );
}

#[test]
fn an_unknown_store_is_refused() {
    for url in ["mysql://x", "sqlite:", "postgres://x"] {
        let overrides = Overrides {
            store: Some(url.to_owned()),
            ..Overrides::default()
        };
        assert!(Config::load_with(&overrides, |_| None).is_err(), "{url}");
    }
}
