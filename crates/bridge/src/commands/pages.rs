//! `smsbridge completions` and `smsbridge man`: what shells and `man` know of the command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::output;

/// Print the completions of a shell.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(self, mut command: Command) {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "smsbridge", &mut script);
        output::write_as_it_is(&script);
    }
}

/// Print the manual page, or write all pages into a folder.
#[derive(Debug, Args)]
pub struct ManPages {
    /// Folder for the pages of all commands; it is made where it is not there
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl ManPages {
    /// Prints or writes them.
    pub fn run(self, command: Command) -> anyhow::Result<()> {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        let Some(folder) = self.folder else {
            output::write_as_it_is(&page(&command)?);
            return Ok(());
        };
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut waiting = vec![command];
        while let Some(command) = waiting.pop() {
            waiting.extend(command.get_subcommands().cloned());
            let path = folder.join(Man::new(command.clone()).get_filename());
            std::fs::write(&path, page(&command)?)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(())
    }
}

/// The page of one command, with what stands at the end of its help as sections of their own.
fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let (mut page, man) = (Vec::new(), Man::new(command.clone()));
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    for section in help.split("\n\n") {
        let mut roff = Roff::new();
        for line in section.lines() {
            match line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
                // Its lines stay lines.
                Some(title) => roff.control("SH", [title.to_uppercase().as_str()]).control("nf", []),
                None => roff.text([roman(line)]),
            };
        }
        roff.control("fi", []).to_writer(&mut page)?;
    }
    Ok(page)
}
