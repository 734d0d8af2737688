#!/usr/bin/env bash
# Fuzzes each target in fuzz/ for a number of seconds, with the toolchain that is there.
#
#   scripts/fuzz.sh SECONDS
#
# Stops at the first finding; cargo-fuzz says how to repeat it. What it learns is kept in fuzz/corpus/; it begins with the
# few inputs of fuzz/seeds/, and for the configuration with those that are shipped.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
# libFuzzer's flags count as unstable; the released compiler knows them all the same.
export RUSTC_BOOTSTRAP=1

targets=$(cargo fuzz list)
for target in $targets; do
  echo "fuzz: $target for $seconds s" >&2
  corpus=(fuzz/corpus/"$target")
  mkdir -p "${corpus[0]}"
  [ ! -d fuzz/seeds/"$target" ] || corpus+=(fuzz/seeds/"$target")
  [ "$target" != config ] || corpus+=(config)
  cargo fuzz run "$target" "${corpus[@]}" -- -max_total_time="$seconds" -rss_limit_mb=2048
done
