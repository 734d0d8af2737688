# shellcheck shell=bash
# ONNX Runtime's shared library, from its Python wheel: one pinned version, one pinned checksum a processor.
# The wheel is for one Python whatever Python runs here, so that every machine gets the same bytes.

onnxruntime_version=1.32.0
onnxruntime=$cache/onnxruntime/libonnxruntime.so

wheel_platform=
library_sha256=

# choose_onnxruntime: which wheel is this machine's? Asked before anything is installed.
choose_onnxruntime() {
  case $rust_host in
  x86_64-*-linux-gnu)
    wheel_platform=manylinux_2_28_x86_64
    library_sha256=6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f
    ;;
  aarch64-*-linux-gnu)
    wheel_platform=manylinux_2_28_aarch64
    library_sha256=49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a
    ;;
  *)
    [ -n "${ORT_DYLIB_PATH:-}" ] ||
      fail "no ready-made ONNX Runtime for $rust_host; build its shared library (1.23 or newer)," \
        "name it in ORT_DYLIB_PATH, and call make again."
    ;;
  esac
}

fetch_onnxruntime() {
  local key python got
  [ -n "$wheel_platform" ] || return 0 # the machine's own is in use
  key="$onnxruntime_version $library_sha256"
  stamped "$onnxruntime" "$key" && return 0
  if [ -s "$onnxruntime" ] && [ "$(checksum "$onnxruntime")" = "$library_sha256" ]; then
    stamp "$onnxruntime" "$key"
    return
  fi

  say "ONNX Runtime: fetching version $onnxruntime_version (28 MB)"
  need_room 200 "$PWD/$cache" "ONNX Runtime"
  python=$(python_with_pip) || fail "no Python with pip; install python3-pip, and call make again."
  open_scratch
  watched "ONNX Runtime" "$python" -m pip download --no-deps --only-binary=:all: --platform "$wheel_platform" \
    --python-version 3.11 --implementation cp --abi cp311 --no-cache-dir --progress-bar off \
    --retries 2 --timeout 30 --disable-pip-version-check --dest "$scratch" "onnxruntime==$onnxruntime_version" ||
    explain "ONNX Runtime"
  watched "ONNX Runtime" unpack_onnxruntime "$python" || explain "ONNX Runtime"
  got=$(checksum "$scratch/libonnxruntime.so")
  [ "$got" = "$library_sha256" ] ||
    fail "ONNX Runtime: the library's SHA-256 is $got and should be $library_sha256; do not use this download, and call make again."
  mkdir -p "${onnxruntime%/*}"
  mv -f "$scratch/libonnxruntime.so" "$onnxruntime"
  stamp "$onnxruntime" "$key"
}

unpack_onnxruntime() { # PYTHON
  "$1" - "$scratch"/*.whl "onnxruntime/capi/libonnxruntime.so.$onnxruntime_version" >"$scratch/libonnxruntime.so" <<'PYTHON'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as member:
    shutil.copyfileobj(member, sys.stdout.buffer)
PYTHON
}

checksum() { sha256sum "$1" | cut -d ' ' -f 1; }
