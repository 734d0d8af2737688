#!/usr/bin/env bash
# Installs what is missing for one purpose, and says what to do where it cannot.
#
#   scripts/setup.sh demo|test|lint|fuzz
#
# Safe to repeat (a second call only looks) and safe to interrupt (each result is made beside its place and moved
# there when it is whole). What it fetches lies in .cache/; what apt and pip said in .cache/setup.log.
# Each step is a file in scripts/setup/. Building is not done here.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-demo}
case $purpose in
demo | test | lint | fuzz) ;;
*)
  echo "usage: scripts/setup.sh demo|test|lint|fuzz" >&2
  exit 2
  ;;
esac

. scripts/setup/say.sh
. scripts/setup/cache.sh
. scripts/setup/toolchain.sh
. scripts/setup/packages.sh
. scripts/setup/crates.sh
. scripts/setup/onnxruntime.sh
. scripts/setup/footage.sh
. scripts/setup/node.sh

check_toolchain
choose_onnxruntime
open_cache
install_packages
fetch_crates
[ "$purpose" = fuzz ] || {
  fetch_node
  fetch_web_packages
}
case $purpose in
demo | test | fuzz)
  fetch_onnxruntime
  make_footage
  ;;
esac
say "ready for 'make $purpose'"
