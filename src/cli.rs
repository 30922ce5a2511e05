//! The command line: one file a subcommand. Exit codes: 0 good, 1 failed, 2 wrong usage or settings.

pub mod check;
mod completions;
mod decode;
#[cfg(feature = "demo")]
mod demo;
mod log;
mod read;
mod run;
pub mod simulate;
mod stop;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps GivEnergy inverters on MQTT.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Poll the inverters of the settings and publish them, until told to stop.
    Run(run::RunArgs),
    /// A whole plant on this machine, simulated: broker, inverter and poller, with a live table.
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
    /// A simulated plant for others to poll.
    Simulate(simulate::SimulateArgs),
    /// Read one inverter once and print it as JSON.
    Read(read::ReadArgs),
    /// Check the settings and print every fault.
    Check(check::CheckArgs),
    /// Print what a recording of a dongle's connection holds, as JSON.
    Decode(decode::DecodeArgs),
    /// Print the completions of a shell.
    Completions(completions::CompletionsArgs),
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args),
        Command::Simulate(args) => simulate::run_blocking(args),
        Command::Read(args) => read::run(args),
        Command::Check(args) => return check::run(args.config),
        Command::Decode(args) => decode::run(args),
        Command::Completions(args) => completions::run(args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// One line to standard error, in the program's name.
#[expect(clippy::print_stderr, reason = "this is what standard error is for")]
fn complain(text: &str) {
    eprintln!("givtcp: {text}");
}

/// Text to standard output; that nobody reads it any more is no failure.
fn print(text: &str) -> anyhow::Result<ExitCode> {
    use std::io::Write;
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// A runtime of one thread: there is little to do and much to wait for.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
