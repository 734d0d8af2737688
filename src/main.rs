//! Arguments → subcommand.

fn main() {}
