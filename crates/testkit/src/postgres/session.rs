//! A session that stays open, for transactions that a test holds open.

use super::database::Access;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// A line that no query answers.
const DONE: &str = "--done--";

/// A session of `psql`; an open transaction is rolled back with it.
#[derive(Debug)]
pub struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Session {
    pub(super) fn open(access: &Access) -> Self {
        let mut child = access
            .psql()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("run psql");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self {
            child,
            input,
            output,
        }
    }

    /// Runs statements and waits until they are done; what they answered, a row a line.
    ///
    /// # Panics
    /// The session ended, as it does when a statement fails.
    pub fn run(&mut self, sql: &str) -> Vec<String> {
        let input = self.input.as_mut().expect("an open session");
        writeln!(input, "{sql};\n\\echo {DONE}").expect("an open session");
        input.flush().expect("an open session");
        let mut answer = Vec::new();
        loop {
            let mut line = String::new();
            let size = self.output.read_line(&mut line).expect("text of psql");
            assert!(size > 0, "psql ended at {sql}");
            let line = line.trim_end();
            if line == DONE {
                return answer;
            }
            answer.push(line.to_owned());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
