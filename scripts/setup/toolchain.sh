# shellcheck shell=bash
# The Rust toolchain: looked at, never installed, since how it is kept is its owner's affair.

rust_host=

check_toolchain() {
  local wanted found version
  wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
  if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    fail "no Rust toolchain; install Rust $wanted or newer (for example with rustup), and call make again."
  fi
  version=$(rustc -vV 2>&1) ||
    fail "rustc does not run (${version%%$'\n'*}); install Rust $wanted or newer (rustup default stable), and call make again."
  found=$(sed -n 's/^release: \([0-9.]*\).*/\1/p' <<<"$version")
  rust_host=$(sed -n 's/^host: //p' <<<"$version")
  [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] ||
    fail "Rust $wanted or newer is needed and this is $found; update it (rustup update stable), and call make again."
  if [ "$purpose" = lint ]; then
    { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 ||
      fail "the toolchain lacks rustfmt or clippy; add them (rustup component add rustfmt clippy), and call make again."
  fi
  if [ "$purpose" = fuzz ]; then
    cargo fuzz --version >/dev/null 2>&1 ||
      fail "cargo-fuzz is not installed; install it (cargo install cargo-fuzz), and call make again."
  fi
}
