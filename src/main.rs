//! The command line of `givtcp`.

use std::process::ExitCode;

fn main() -> ExitCode {
    givtcp::cli::main()
}
