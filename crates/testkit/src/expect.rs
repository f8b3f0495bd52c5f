//! Conversations with programs that ask on a terminal, by `expect`.

use std::process::Command;

/// Runs a command line in a terminal and answers its prompts in order; everything it printed. `ends` are expressions one of
/// which ends the conversation.
pub(crate) fn converse(command: &[String], prompts: &[(&str, &str)], ends: &[&str]) -> String {
    let quote = |text: &str| {
        let escaped: String = text
            .chars()
            .flat_map(|letter| {
                let special = "\\\"$[]{}".contains(letter);
                special.then_some('\\').into_iter().chain([letter])
            })
            .collect();
        format!("\"{escaped}\"")
    };
    let mut script = String::from("set timeout 20\nspawn -noecho");
    for word in command {
        script += &format!(" {}", quote(word));
    }
    script.push('\n');
    // in several lines, or the list is taken for a pattern
    let mut others = String::new();
    for end in ends {
        others += &format!("  -re {} {{ exit 0 }}\n", quote(end));
    }
    others += "  eof { exit 0 }\n  timeout { exit 1 }\n";
    for (prompt, answer) in prompts {
        let answer = quote(&format!("{answer}\r"));
        script += &format!(
            "expect {{\n  -re {} {{ send -- {answer} }}\n{others}}}\n",
            quote(prompt)
        );
    }
    script += &format!("expect {{\n{others}}}\n");
    let output = Command::new("expect")
        .args(["-c", &script])
        .output()
        .expect("run expect");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
