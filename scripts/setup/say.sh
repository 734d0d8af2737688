# shellcheck shell=bash
# Words for the person who waits: progress, and one sentence for each way to fail.

say() { printf 'setup: %s\n' "$*" >&2; }

# fail SENTENCE: what is wrong and what to do about it.
fail() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}

# watched WHAT COMMAND…: runs the command with its words in the log, and shows every ten seconds how far it is.
watched() {
  local what=$1 status=0
  shift
  : >"$log"
  show_progress "$what" 9>&- &
  progress=$!
  disown "$progress" # so that its end is nobody's news
  # Closed: a service that a package starts must not keep the set-up's lock.
  LC_ALL=C "$@" >>"$log" 2>&1 </dev/null 9>&- || status=$?
  stop_progress
  return "$status"
}

progress=
stop_progress() {
  [ -z "$progress" ] || kill "$progress" 2>/dev/null || true
  progress=
}

show_progress() {
  local seconds=0
  # The sleeper holds none of our pipes: it may outlive us by a second.
  while sleep 1 <&- >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    seconds=$((seconds + 1))
    if [ $((seconds % 10)) -eq 0 ]; then
      say "$1: $seconds s so far ($(tail -n 1 "$log" 2>/dev/null | tr -cd '[:print:]' | cut -c 1-70))"
    fi
  done
}

# explain WHAT: ends with a sentence for what the log says about the command that just failed.
explain() {
  if log_says 'No space left on device|enough free space|Disk quota exceeded' || [ "$(free_mb "$cache")" -lt 10 ]; then
    fail "$1: the disk is full; free 2 GB and call make again."
  elif apt_is_busy; then
    fail "$1: another package installation holds apt's lock; wait until it has ended and call make again."
  elif log_says "$no_network" || { log_says "$not_listed" && lists_not_reached; }; then
    fail "$1: no network; connect this machine (or set its proxy) and call make again."
  elif log_says "$not_listed"; then
    fail "$1: apt's sources lack a package ($(log_line "$not_listed"));" \
      "enable Debian's 'main' section of Debian 12 or newer, and call make again."
  fi
  fail "$1: failed ($(log_line '.')); the whole story is in $log: mend it and call make again."
}

no_network='Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|Connection (failed|refused|timed out)'
no_network+='|Network is unreachable|Failed to establish a new connection|NameResolutionError|ConnectTimeoutError|Read timed out'
no_network+="|ReadTimeoutError|ProxyError|SSLError|Couldn't resolve host|failed to download from|Failed to fetch"

not_listed='Unable to locate package|has no installation candidate|No packages found|is not available'
lists_not_reached() { [ -f "$log.lists" ] && grep -qEi "$no_network" "$log.lists"; }
apt_is_busy() { log_says 'Could not get lock|Unable to acquire|Unable to lock|lock was locked by another process'; }
log_says() { grep -qEi "$1" "$log"; }
log_line() { grep -Ei "$1" "$log" | tail -n 1 | tr -cd '[:print:]' | cut -c 1-160; }
