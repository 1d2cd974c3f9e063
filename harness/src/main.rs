//! The `spatialcloud` program: reads the command line and hands over to one file per subcommand.

mod command;
mod exit;

use std::process::ExitCode;

use clap::Parser;

use command::Command;
use exit::Exit;

/// A simulated Spatial Cloud, and proof that an upload job works against it.
#[derive(Parser)]
#[command(name = "spatialcloud", version, about, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Shown below every help text.
const EXIT_CODES: &str = "Exit codes: 0 passed, 1 wrong use, 2 a scenario file cannot be used, 3 the stack could not be \
started, 4 an expectation failed, 5 something that --require demands is missing, 130 interrupted";

/// `spatialcloud … | head`: when nobody reads any more, it ends without a word, as other programs do.
fn end_quietly_when_nobody_reads() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let words = panic.payload_as_str().unwrap_or_default();
        if words.starts_with("failed printing to std") && words.contains("Broken pipe") {
            std::process::exit(BROKEN_PIPE);
        }
        others(panic);
    }));
}

/// What shells show for a program that SIGPIPE has ended.
const BROKEN_PIPE: i32 = 141;

fn main() -> ExitCode {
    end_quietly_when_nobody_reads();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are results; everything else is wrong use.
            let exit = if error.use_stderr() { Exit::WrongUse } else { Exit::Passed };
            let _ = error.print();
            return exit.into();
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the program's threads could not be started: {error}");
            return Exit::NoStack.into();
        }
    };
    let exit = runtime.block_on(command::perform(arguments.command));
    spatialcloud_harness::keys::remove();
    // Blocking work that nobody waits for any more must not hold the program up.
    runtime.shutdown_background();
    exit.into()
}
