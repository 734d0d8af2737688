# shellcheck shell=bash
# System packages, from Debian's archive by apt. Which ones, why, and who may install them.

# GStreamer decodes what cameras send; python3-pip fetches ONNX Runtime and Node.js and runs nowhere else.
packages=(
  ca-certificates pkg-config
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-libav
)
# A camera, a player, a broker and a browser that are not ours, to test against; and what the tests call to make certificates and send signals.
test_packages=(libgstrtspserver-1.0-dev ffmpeg mosquitto mosquitto-clients openssl procps chromium fonts-noto-cjk)

install_packages() {
  local wanted=("${packages[@]}") missing=()
  case $purpose in
  test) wanted+=("${test_packages[@]}") ;;
  lint) wanted+=("${test_packages[@]}" shellcheck) ;;
  fuzz) wanted+=(g++) ;;
  esac
  command -v cc >/dev/null || wanted+=(gcc libc6-dev)
  python_with_pip >/dev/null || wanted+=(python3-pip)

  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    check_by_hand "${wanted[@]}"
    return
  fi
  mapfile -t missing < <(not_installed "${wanted[@]}")
  if [ ${#missing[@]} -gt 0 ]; then
    become_root "${missing[@]}"
    need_room 1800 /usr "installing ${#missing[@]} packages"
    say "system packages: installing ${missing[*]}"
    update_lists
    repair_packages
    case " ${missing[*]} " in
    *" mosquitto "*) touch "$broker_to_stop" ;;
    esac
    apt_install "${missing[@]}"
  fi
  [ ! -f "$broker_to_stop" ] || stop_broker
  check_gstreamer
}

# What an interrupted installation left: first what can be finished, then what must be unpacked again.
repair_packages() {
  local torn=()
  as_root "system packages" dpkg --configure -a || ! apt_is_busy || explain "system packages"
  mapfile -t torn < <(dpkg-query --show --showformat '${db:Status-Eflag} ${Package}\n' | sed -n 's/^reinstreq //p')
  [ ${#torn[@]} -eq 0 ] || apt_install --fix-broken --reinstall "${torn[@]}"
}

# Debian starts the broker that it installs, on the port that the demo's own wants. The tests start theirs. One that was
# here before us is left alone.
broker_to_stop=$cache/broker-to-stop
stop_broker() {
  become_root mosquitto
  as_root "mosquitto" sh -c 'invoke-rc.d mosquitto stop; update-rc.d mosquitto disable' ||
    say "mosquitto's service could not be switched off; if it holds port 1883, the demo cannot have that port"
  rm -f "$broker_to_stop"
}

apt_install() {
  as_root "system packages" apt-get install --yes --no-install-recommends -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" || explain "system packages"
}

# python_with_pip: prints a Python that can run pip; fails where there is none.
python_with_pip() {
  local python
  for python in python3 /usr/bin/python3; do
    if command -v "$python" >/dev/null && "$python" -c 'import importlib.util as i, sys; sys.exit(i.find_spec("pip") is None)' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  return 1
}

not_installed() {
  local installed name
  # An unknown name makes dpkg-query fail, and is not installed.
  installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for name in "$@"; do
    grep -qxF "installed $name" <<<"$installed" || echo "$name"
  done
}

sudo=()
become_root() { # PACKAGE…, for the words
  [ "$(id -u)" -ne 0 ] || return 0
  if command -v sudo >/dev/null; then
    if sudo -n true 2>/dev/null || { [ -t 2 ] && sudo -v -p 'setup: packages are missing; sudo wants the password of %u: '; }; then
      sudo=(sudo)
      return
    fi
  fi
  fail "packages are missing and this user may not install them; as root, run" \
    "'apt-get update && apt-get install --no-install-recommends $*', and call make again."
}

# The archive's lists, once a call. A broken source of somebody else's must not stop us: installing shows what matters.
lists_updated=
update_lists() {
  [ -z "$lists_updated" ] || return 0
  become_root opencv-doc
  as_root "package lists" apt-get update || ! apt_is_busy || explain "package lists"
  lists_updated=yes
  cp "$log" "$log.lists"
}

# as_root WHAT COMMAND…: as root, with patience for another apt at work.
as_root() {
  local what=$1 waited=0 environment=(DEBIAN_FRONTEND=noninteractive LC_ALL=C)
  shift
  [ -z "${http_proxy:-}" ] || environment+=("http_proxy=$http_proxy")
  [ -z "${https_proxy:-}" ] || environment+=("https_proxy=$https_proxy")
  while ! watched "$what" "${sudo[@]}" env "${environment[@]}" "$@"; do
    apt_is_busy && [ "$waited" -lt "${CUNKOU_APT_WAIT_S:-120}" ] || return 1
    [ "$waited" -gt 0 ] || say "$what: another package installation is at work; waiting for it"
    sleep 3
    waited=$((waited + 3))
  done
}

check_gstreamer() {
  pkg-config --atleast-version=1.22 gstreamer-1.0 ||
    fail "GStreamer 1.22 or newer is needed and pkg-config finds '$(pkg-config --modversion gstreamer-1.0 2>&1 | head -n 1)'; use Debian 12 or newer."
}

# Without apt: everything must be there already.
check_by_hand() {
  {
    pkg-config --exists gstreamer-1.0 gstreamer-app-1.0 gstreamer-video-1.0 &&
      gst-inspect-1.0 --exists avdec_h264 && gst-inspect-1.0 --exists x264enc && python_with_pip
  } >/dev/null 2>&1 ||
    fail "this machine has no apt; install your system's packages for: $*; then call make again."
  check_gstreamer
}
