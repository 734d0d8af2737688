# shellcheck shell=bash
# The crates that Cargo.lock names, fetched before the build so that a missing network is said in a sentence.

fetch_crates() {
  local key stamp_file=$cache/crates.stamp
  key="$(sha256sum <Cargo.lock) ${CARGO_HOME:-${HOME:-}/.cargo}"
  [ ! -f "$stamp_file" ] || [ "$(cat "$stamp_file")" != "$key" ] || return 0
  [ -d "${CARGO_TARGET_DIR:-target}" ] || need_room 4000 "$PWD" "the build"
  say "crates: fetching"
  watched crates cargo fetch ${CI:+--locked} --target "$rust_host" || explain crates
  printf '%s\n' "$key" >"$stamp_file"
}
