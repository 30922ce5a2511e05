use std::process::ExitCode;

use clap::CommandFactory;

#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// Which shell.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "givtcp", &mut text);
    super::print(String::from_utf8_lossy(&text).trim_end())
}
