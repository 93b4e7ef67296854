//! What can be asked for on the command line, and carrying it out.

use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand};

use super::check::Check;
#[cfg(feature = "demo")]
use super::demo::Demo;
use super::detect::Detect;
use super::forget::ForgetArgs;
use super::history::HistoryArgs;
use super::import::Import;
use super::pages::{Completions, ManPages};
use super::parked::ParkedArgs;
use super::pdu::PduCommand;
use super::run::Run;
use super::runtime::block_on;
use super::send::Send;
#[cfg(unix)]
use super::status::StatusArgs;
use super::{manual, output};
use crate::{app, log};

/// A gateway between GSM/LTE modems and MQTT: SMS in as JSON, JSON out as SMS.
#[derive(Debug, Parser)]
#[command(name = "smsbridge", version = env!("BUILD_VERSION"), about, after_long_help = manual::SMSBRIDGE)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: Verbosity,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    #[command(after_long_help = manual::RUN)]
    Run(Run),
    /// Try everything with no hardware and no broker: a simulated modem and an MQTT broker inside
    #[cfg(feature = "demo")]
    #[command(after_long_help = manual::DEMO)]
    Demo(Demo),
    /// Show how the running gateway, its broker and its modems are
    #[cfg(unix)]
    #[command(after_long_help = manual::STATUS)]
    Status(StatusArgs),
    /// Check the configuration, and with --connect the broker and the modems
    #[command(after_long_help = manual::CHECK)]
    Check(Check),
    /// Find modems on the serial ports
    #[command(after_long_help = manual::DETECT)]
    Detect(Detect),
    /// Make a configuration of that of gammu-smsd, SMS Server Tools or SMS2MQTT
    #[command(after_long_help = manual::IMPORT)]
    Import(Import),
    /// Explain or encode PDUs, one per line
    #[command(subcommand, after_long_help = manual::PDU)]
    Pdu(PduCommand),
    /// Show what the store holds
    #[command(after_long_help = manual::HISTORY)]
    History(HistoryArgs),
    /// Delete what the store has of a phone number
    #[command(after_long_help = manual::FORGET)]
    Forget(ForgetArgs),
    /// Show what the broker does not take, and drop it
    #[command(after_long_help = manual::PARKED)]
    Parked(ParkedArgs),
    /// Send one SMS through the running gateway and wait for its result
    #[command(after_long_help = manual::SEND)]
    Send(Send),
    /// Print the completions of a shell
    #[command(after_long_help = manual::COMPLETIONS)]
    Completions(Completions),
    /// Print the manual page, or write all pages into a folder
    #[command(after_long_help = manual::MAN)]
    Man(ManPages),
}

/// How much is logged.
#[derive(Debug, Args)]
struct Verbosity {
    /// Log more, and with -vv more still; at debug numbers and texts too: mind who reads it
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 100)]
    verbose: u8,
    /// Log less
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 101, conflicts_with = "verbose")]
    quiet: u8,
}

impl Verbosity {
    /// The level to log at, where `usual` is the command's own.
    fn level(&self, usual: &str) -> &'static str {
        let usual = log::LEVELS.iter().position(|(level, _)| *level == usual).unwrap_or_default();
        let level = (usual + usize::from(self.verbose)).saturating_sub(self.quiet.into());
        log::LEVELS[level.min(log::LEVELS.len() - 1)].0
    }
}

/// Carries out a command; `Ok(false)` is a failure it has reported itself.
pub fn execute(cli: Cli) -> anyhow::Result<bool> {
    let is_good = carry_out(cli.command, &cli.verbosity)?;
    output::check()?;
    Ok(is_good)
}

fn carry_out(command: Command, verbosity: &Verbosity) -> anyhow::Result<bool> {
    let begin_log = |usual| log::begin(verbosity.level(usual));
    match command {
        Command::Run(run) => {
            let config = run.config()?;
            begin_log("info")?;
            for name in &config.source.other_variables {
                tracing::warn!("{name} is no key of the configuration and is not used");
            }
            block_on(async { app::run(config, app::stop_on_signal()?).await.map(|()| true) })?
        }
        #[cfg(feature = "demo")]
        Command::Demo(demo) => {
            begin_log("error")?;
            block_on(async { demo.run().await.map(|()| true) })?
        }
        #[cfg(unix)]
        Command::Status(status) => {
            begin_log("warn")?;
            status.run()
        }
        Command::Check(check) => {
            begin_log("error")?;
            block_on(check.run())?
        }
        Command::Detect(detect) => {
            begin_log("error")?;
            block_on(detect.run())?
        }
        Command::Import(import) => import.run(),
        Command::Pdu(command) => command.run(),
        Command::History(history) => {
            begin_log("warn")?;
            history.run()
        }
        Command::Forget(forget) => {
            begin_log("warn")?;
            forget.run()
        }
        Command::Parked(parked) => {
            begin_log("warn")?;
            parked.run()
        }
        Command::Send(send) => {
            begin_log("error")?;
            block_on(send.run())?
        }
        Command::Completions(completions) => {
            completions.run(Cli::command());
            Ok(true)
        }
        Command::Man(pages) => pages.run(Cli::command()).map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_command() -> Vec<clap::Command> {
        let mut root = Cli::command();
        root.build();
        let (mut found, mut waiting) = (Vec::new(), vec![root]);
        while let Some(command) = waiting.pop() {
            waiting.extend(command.get_subcommands().filter(|c| c.get_name() != "help").cloned());
            found.push(command);
        }
        found
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_and_exit_codes_in_its_long_help_and_not_in_the_short_one() {
        for mut command in every_command() {
            let name = command.get_name().to_owned();
            let (short, long) = (command.render_help().to_string(), command.render_long_help().to_string());
            for title in ["Examples:", "Exit codes:", "  0  "] {
                assert!(long.contains(title) && !short.contains(title), "{title:?} and {name}:\n{long}");
            }
            let widest = long.lines().map(|line| line.chars().count()).max().unwrap_or_default();
            assert!(widest <= 120, "the help of {name} has a line of {widest} characters");
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty(), "{name} says nothing of itself");
        }
    }

    /// Words of an example as a shell reads them: quotes hold them together.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quote, mut is_new) = (Vec::<String>::new(), None, true);
        for character in line.chars() {
            match (quote, character) {
                (None, ' ') => is_new = true,
                (None, '\'' | '"') => quote = Some(character),
                (Some(open), close) if open == close => quote = None,
                _ => {
                    if std::mem::take(&mut is_new) {
                        words.push(String::new());
                    }
                    words.last_mut().expect("there is one").push(character);
                }
            }
        }
        words
    }

    #[test]
    fn every_example_is_a_command_that_there_is() {
        let mut tried = 0;
        for command in every_command() {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let (_, examples) = help.split_once("Examples:").expect("examples");
            let (examples, _) = examples.split_once("\n\n").expect("an empty line behind them");
            for line in examples.lines().filter(|line| line.contains("smsbridge ")) {
                // Without what stands beside it, and what is the shell's.
                let line = &line[line.find("smsbridge ").expect("the program")..];
                let line = line.split("   ").next().unwrap_or_default();
                let line = line.split(['|', '>', '<']).next().unwrap_or_default();
                if let Err(error) = Cli::try_parse_from(words(line)) {
                    panic!("{line}: {error}");
                }
                tried += 1;
            }
        }
        assert!(tried > 20, "{tried} examples");
    }

    #[test]
    fn verbosity_moves_the_commands_own_level() {
        for (arguments, usual, expect) in [
            (&["run"][..], "info", "info"),
            (&["run", "-v"], "info", "debug"),
            (&["-vv", "run"], "info", "trace"),
            (&["run", "-vvvvv"], "info", "trace"),
            (&["run", "-q"], "info", "warn"),
            (&["detect", "--quiet"], "error", "off"),
            (&["detect", "-qqq"], "error", "off"),
            (&["detect", "--verbose"], "error", "warn"),
        ] {
            let cli = Cli::try_parse_from([&["smsbridge"], arguments].concat()).unwrap();
            assert_eq!(cli.verbosity.level(usual), expect, "{arguments:?}");
        }
        assert!(Cli::try_parse_from(["smsbridge", "run", "-q", "-v"]).is_err());
    }
}
