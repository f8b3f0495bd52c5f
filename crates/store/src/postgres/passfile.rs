//! The password from a file in libpq's form: `host:port:database:user:password`, `*` for any, `\` before `:` and `\`.

use std::fs;
use std::path::Path;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Longest file that is read.
const MOST: usize = 64 * 1024;

/// For each host the password of the first line that fits it, the database and the account; none where no line does.
///
/// # Errors
/// The file cannot be read, is open to others, or has a line for none of the hosts.
pub(super) fn find(path: &Path, config: &Config) -> Result<Vec<Option<String>>, String> {
    let named = |what: &str| format!("its passfile {} {what}", path.display());
    let file = fs::metadata(path).map_err(|error| named(&format!("cannot be read: {error}")))?;
    if is_open(&file) {
        return Err(named("can be read by others; make its mode 0600"));
    }
    let text =
        fs::read_to_string(path).map_err(|error| named(&format!("cannot be read: {error}")))?;
    if text.len() > MOST {
        return Err(named("is too long"));
    }
    let lines: Vec<Vec<String>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(fields)
        .collect();
    let hosts = config.get_hosts().iter().enumerate();
    let found: Vec<Option<String>> = hosts
        .map(|(place, host)| password(&lines, &wanted(config, host, place)))
        .collect();
    if found.iter().all(Option::is_none) {
        return Err(named("has no line for this host, port, database and user"));
    }
    Ok(found)
}

fn password(lines: &[Vec<String>], wanted: &[String; 4]) -> Option<String> {
    lines.iter().find_map(|fields| {
        let (password, fields) = fields.split_last()?;
        let fits = fields.len() == wanted.len()
            && fields
                .iter()
                .zip(wanted)
                .all(|(field, wanted)| field == "*" || field == wanted);
        fits.then(|| password.clone())
    })
}

fn is_open(file: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o077 != 0
}

fn wanted(config: &Config, host: &Host, place: usize) -> [String; 4] {
    let host = match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(_) => "localhost".to_owned(),
    };
    let ports = config.get_ports();
    let port = ports.get(place).or(ports.first()).unwrap_or(&5432);
    [
        host,
        port.to_string(),
        config.get_dbname().unwrap_or_default().to_owned(),
        config.get_user().unwrap_or_default().to_owned(),
    ]
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut escaped = false;
    for letter in line.chars() {
        match (letter, escaped) {
            ('\\', false) => {
                escaped = true;
                continue;
            }
            (':', false) if fields.len() < 5 => fields.push(String::new()),
            _ => {
                if let Some(last) = fields.last_mut() {
                    last.push(letter);
                }
            }
        }
        escaped = false;
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        fs::write(
            &path,
            "# text\nother:5432:db:u:no\n*:5432:db:u:a\\:b\\\\c:d\n",
        )
        .unwrap();
        let config: Config = "postgres://u@host/db".parse().unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(find(&path, &config).unwrap_err().contains("0600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let one = Some("a:b\\c:d".to_owned());
        assert_eq!(find(&path, &config).unwrap(), std::slice::from_ref(&one));
        let many: Config = "postgres://u@host,other,third:5433/db".parse().unwrap();
        let found = find(&path, &many).unwrap();
        assert_eq!(found, [one, Some("no".to_owned()), None]);
        let other: Config = "postgres://w@host/db".parse().unwrap();
        assert!(find(&path, &other).is_err());
    }
}
