//! The command line: one file a subcommand. Exit codes: 0 good, 1 failed, 2 wrong usage or settings.

pub mod check;
mod completions;
mod daemon;
mod decode;
#[cfg(feature = "demo")]
mod demo;
mod diagnose;
mod discover;
mod healthy;
mod import;
mod log;
mod manager;
mod overrides;
mod read;
mod record;
mod run;
mod set;
pub mod simulate;
mod stop;
mod target;

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
    Demo(Box<demo::DemoArgs>),
    /// A simulated plant for others to poll.
    Simulate(Box<simulate::SimulateArgs>),
    /// Search the local network for inverters.
    Discover(discover::DiscoverArgs),
    /// Make a settings file of GivTCP's settings.
    Import(import::ImportArgs),
    /// Read one inverter once and print it as JSON.
    Read(read::ReadArgs),
    /// Give an inverter a command, and say what became of it.
    Set(set::SetArgs),
    /// Start, stop or list what is done for a while: force charge, force export, pauses.
    Override(overrides::OverrideArgs),
    /// Check the settings and print every fault.
    Check(check::CheckArgs),
    /// Whether the givtcp that should run here lives: ends with 0 if so, with 1 if not. Says nothing of inverters.
    Healthy(healthy::HealthyArgs),
    /// Record what goes over the connection to an inverter, for whoever looks into a fault.
    Record(record::RecordArgs),
    /// Make one archive of what somebody who is to help needs to know. No secret is in it.
    Diagnose(diagnose::DiagnoseArgs),
    /// Print what a recording of a dongle's connection, or an archive of `diagnose`, holds, as JSON.
    Decode(decode::DecodeArgs),
    /// Print the completions of a shell.
    Completions(completions::CompletionsArgs),
}

/// Exit code of wrong usage and of wrong settings.
const WRONG_USAGE: u8 = 2;

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(*args),
        Command::Simulate(args) => simulate::run_blocking(*args),
        Command::Discover(args) => discover::run(args),
        Command::Import(args) => import::run(args),
        Command::Read(args) => read::run(args),
        Command::Set(args) => set::run(args),
        Command::Override(args) => overrides::run(args),
        Command::Check(args) => return check::run(args.config),
        Command::Healthy(args) => healthy::run(args),
        Command::Record(args) => record::run(args),
        Command::Diagnose(args) => diagnose::run(args),
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

/// Runs to the end on a runtime of one thread: there is little to do and much to wait for.
///
/// Looking up a name blocks a thread for as long as the name servers take, and it cannot be called off: the end does not
/// wait for it.
fn block_on<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a thread that blocks is what is tried")]
    fn a_thread_that_looks_up_a_name_does_not_hold_up_the_end() {
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let looking_up = async {
                drop(tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_secs(60))));
            };
            ended.send(block_on(looking_up).is_ok())
        });
        assert_eq!(end.recv_timeout(Duration::from_secs(10)), Ok(true));
    }
}
