use std::process::ExitCode;

fn main() -> ExitCode {
    mtrace_diff::cli::main()
}
