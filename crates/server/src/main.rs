//! Countersign: a strong-authentication server in one program.

mod cli;
mod client;
mod config;
mod demo;
mod listen;
mod print;
mod serve;

/// Many small, short-lived records on many threads: measured faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
