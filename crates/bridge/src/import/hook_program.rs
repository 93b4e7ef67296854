//! Commands that another gateway gave to a shell, as the program and the arguments of a hook. Nothing is run here.

/// The program and its arguments. Where a shell would make more of it than words, a shell gets it here too, as it did
/// there; none where it cannot be passed on.
pub(super) fn words(command: &str) -> Option<Vec<String>> {
    if command.is_empty() || command.chars().any(|c| c.is_control() && c != '\t') {
        return None;
    }
    let is_plain = |c: char| c.is_alphanumeric() || " \t_./:,+@%=-".contains(c);
    let first = command.split_whitespace().next().unwrap_or_default();
    Some(match command.chars().all(is_plain) && !first.contains('=') {
        true => command.split_whitespace().map(str::to_owned).collect(),
        false => [SHELL, "-c", command].map(str::to_owned).to_vec(),
    })
}

/// The same for an event that has several states: run for these alone, with a field of the event as last argument, as
/// gammu-smsd passes it.
pub(super) fn words_for_states(command: &str, states: &[&str], field: &str) -> Option<Vec<String>> {
    let mut program = words(command)?;
    if program[0] == SHELL {
        // Behind the command, where gammu-smsd appends it.
        program[2].push_str(" \"$@\"");
        program.push("sh".to_owned());
    }
    let states: Vec<String> = states.iter().map(|state| format!("*'\"state\":\"{state}\"'*")).collect();
    let value = format!("$(printf %s \"$event\" | sed -n 's/.*\"{field}\":\"\\([^\"]*\\)\".*/\\1/p')");
    // The program may leave its input unread.
    let pass_on = format!("printf '%s\\n' \"$event\" 2>/dev/null | \"$@\" \"{value}\"");
    let script = format!("event=$(cat); case $event in {}) {pass_on} ;; esac", states.join("|"));
    let shell = [SHELL, "-c", &script, "sh"].map(str::to_owned);
    Some(shell.into_iter().chain(program).collect())
}

/// The program that a command names by its whole path.
pub(super) fn program(command: &str) -> Option<&str> {
    let first = command.split_whitespace().next()?;
    let is_path = |c: char| c.is_alphanumeric() || "_./:,+@%=-".contains(c);
    (first.starts_with('/') && first.chars().all(is_path)).then_some(first)
}

const SHELL: &str = "/bin/sh";

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn plain_words_need_no_shell_and_all_else_gets_one() {
        assert_eq!(words("/opt/on-sms  -v a=b").unwrap(), ["/opt/on-sms", "-v", "a=b"]);
        for command in
            ["/opt/on-sms > /tmp/x", "A=b /opt/on-sms", "/opt/'on sms'", "~/on-sms", "/opt/$X; reboot"]
        {
            assert_eq!(words(command).unwrap(), ["/bin/sh", "-c", command]);
        }
        assert_eq!(words("").or(words("/opt/a\0")), None);
    }

    /// What a command prints when it is run as a hook for an event.
    fn run(command: &[String], event: &str) -> String {
        let mut command = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        command.stdin.take().unwrap().write_all(event.as_bytes()).unwrap();
        let output = command.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_program_for_some_states_runs_for_these_and_gets_the_field() {
        let event = |state: &str| {
            format!("{{\"id\":\"order-17\",\"to\":\"+49\",\"state\":\"{state}\",\"final\":true}}")
        };
        for command in ["/bin/echo ran", "echo 'ran'"] {
            let hook = words_for_states(command, &["failed", "expired"], "id").unwrap();
            assert_eq!(run(&hook, &event("failed")), "ran order-17\n", "{command}");
            assert_eq!(run(&hook, &event("expired")), "ran order-17\n", "{command}");
            assert_eq!(run(&hook, &event("sent")), "", "{command}");
        }
    }

    #[test]
    fn the_program_has_the_event_on_its_input_and_its_failure_is_the_hooks() {
        let event = r#"{"id":"a","state":"sent","final":true}"#;
        let hook = words_for_states("cat; echo", &["sent"], "id").unwrap();
        assert_eq!(run(&hook, event), format!("{event}\na\n"));
        let hook = words_for_states("/bin/false", &["sent"], "id").unwrap();
        let mut child = Command::new(&hook[0]).args(&hook[1..]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(event.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1));
    }

    #[test]
    fn a_withheld_number_is_an_empty_argument() {
        let hook = words_for_states("/usr/bin/printf [%s]", &["ringing"], "from").unwrap();
        assert_eq!(run(&hook, r#"{"modem":"main","from":null,"at":"x","state":"ringing"}"#), "[]");
        assert_eq!(run(&hook, r#"{"modem":"main","from":"+49151","at":"x","state":"ringing"}"#), "[+49151]");
    }
}
