use super::code;
use super::lines::Line;
use crate::print;
use std::process::{Command, ExitCode, Stdio};

/// Runs every line through the shell, as it was printed, and reports.
pub(super) fn all(lines: &[Line]) -> ExitCode {
    if let Some(missing) = ["radclient", "oathtool", "curl"]
        .into_iter()
        .find(|tool| !is_there(tool))
    {
        eprintln!(
            "countersign: {missing} is missing; install it (on Debian: apt-get install freeradius-utils oathtool curl)"
        );
        return code(false);
    }
    let failed = lines.iter().filter(|line| !one(line)).count();
    print::line(&format!(
        "{} lines: {} succeeded, {failed} failed",
        lines.len(),
        lines.len() - failed
    ));
    code(failed == 0)
}

fn is_there(tool: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn one(line: &Line) -> bool {
    let (worked, said) = match Command::new("sh")
        .args(["-c", &line.command])
        .stdin(Stdio::null())
        .output()
    {
        Ok(output) => {
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            (output.status.success() && said.contains(line.expect), said)
        }
        Err(error) => (false, error.to_string()),
    };
    print::line(&format!(
        "{:<6} {}",
        if worked { "ok" } else { "FAILED" },
        line.title
    ));
    if !worked {
        print::line(&format!(
            "  expected {:?} of\n  {}\n  which said\n{said}",
            line.expect, line.command
        ));
    }
    worked
}
