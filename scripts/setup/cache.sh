# shellcheck shell=bash
# The folder .cache/: one set-up at a time in it, room on its disk, and stamps that say what is whole.

cache=.cache # relative: a path with odd characters then reaches nobody who would trip over it
log=$cache/setup.log
scratch=

open_cache() {
  if ! mkdir -p "$cache" 2>/dev/null || ! touch "$cache/setup.lock" "$log" 2>/dev/null; then
    fail "cannot write to $PWD/$cache; make it yours (chown) or free space on its disk, and call make again."
  fi
  exec 9>>"$cache/setup.lock"
  if ! flock --nonblock 9; then
    say "another set-up is at work here; waiting for it"
    flock --timeout 1800 9 || fail "another set-up did not end within 30 minutes; end it and call make again."
  fi
  rm -rf "$cache"/scratch.* # what an interrupted call left
  trap 'fail "interrupted; call make again, and it goes on from here."' INT TERM HUP
  trap 'stop_progress; [ -z "$scratch" ] || rm -rf "$scratch"' EXIT
}

# open_scratch: a fresh folder in the cache (so that moving out of it is atomic), removed at the end.
open_scratch() {
  [ -z "$scratch" ] || rm -rf "$scratch"
  scratch=$(mktemp -d "$cache/scratch.XXXXXX") || fail "cannot write to $PWD/$cache; free space on its disk and call make again."
}

# need_room MEGABYTES FOLDER WHAT
need_room() {
  local free
  free=$(free_mb "$2")
  [ "$free" -ge "$1" ] ||
    fail "$3 needs $1 MB on the disk that holds $2 and only $free MB are free; free some and call make again."
}

free_mb() { df -Pk "$1" | awk 'NR == 2 { print int($4 / 1024) }'; }

# stamped FILE KEY: is this file there, unchanged since it was found to be whole and made from this key?
stamped() {
  [ -s "$1" ] && [ -f "$1.stamp" ] && [ ! "$1" -nt "$1.stamp" ] && [ "$(cat "$1.stamp")" = "$2" ]
}

stamp() { printf '%s\n' "$2" >"$1.stamp"; }
