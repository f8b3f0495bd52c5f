//! Standard output that outlives its reader.

use std::io::{ErrorKind, Write};

/// Prints text as it is. When the reader has gone, as `head` does, the program ends quietly.
pub(crate) fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        && error.kind() == ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

/// Prints one line.
pub(crate) fn line(text: &str) {
    out(&format!("{text}\n"));
}
