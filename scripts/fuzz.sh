#!/usr/bin/env bash
# Fuzzes each target in fuzz/ for a number of seconds, with the toolchain that is there.
#
#   scripts/fuzz.sh SECONDS
#
# Stops at the first finding; cargo-fuzz says how to repeat it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
# libFuzzer's flags count as unstable; the released compiler knows them all the same.
export RUSTC_BOOTSTRAP=1

targets=$(cargo fuzz list)
for target in $targets; do
  echo "fuzz: $target for $seconds s" >&2
  cargo fuzz run "$target" -- -max_total_time="$seconds" -rss_limit_mb=2048
done
