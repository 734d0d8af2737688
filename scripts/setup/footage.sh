# shellcheck shell=bash
# The demo's and the tests' footage: vtest.avi of Debian's package opencv-doc (a pedestrian street, 768x576, 10 fps,
# 79.5 s), and the same as a camera would send it: H.264, constant quality, a key frame a second, no B-frames.

footage=$cache/footage/vtest.mp4
footage_source=$cache/footage/vtest.avi
# Part of the stamp: who changes the encoding gets new footage.
encoder=(x264enc pass=qual quantizer=23 speed-preset=veryfast key-int-max=10 bframes=0 threads=1 option-string=scenecut=0)

make_footage() {
  local key="1 ${encoder[*]}"
  stamped "$footage" "$key" && [ -s "$footage_source" ] && return 0
  need_room 300 "$PWD/$cache" footage
  mkdir -p "${footage%/*}"
  open_scratch
  [ -s "$footage_source" ] || fetch_footage_source
  say "footage: encoding vtest.avi as a camera would (some seconds)"
  watched footage gst-launch-1.0 --quiet filesrc "location=$footage_source" \
    ! avidemux ! avdec_msmpeg4 ! videoconvert ! videorate ! video/x-raw,format=I420,framerate=10/1 \
    ! "${encoder[@]}" ! video/x-h264,profile=main ! h264parse \
    ! mp4mux faststart=true "faststart-file=$scratch/faststart" ! filesink "location=$scratch/vtest.mp4" || explain footage
  [ -s "$scratch/vtest.mp4" ] || explain footage
  mv -f "$scratch/vtest.mp4" "$footage"
  stamp "$footage" "$key"
}

# One file out of the package: installing its other 270 MB would serve nobody, and slim images drop documentation.
fetch_footage_source() {
  local installed=/usr/share/doc/opencv-doc/examples/data/vtest.avi file
  if [ -s "$installed" ]; then
    watched footage cp "$installed" "$scratch/vtest.avi" || explain footage
  else
    command -v apt-get >/dev/null ||
      fail "no footage: put OpenCV's samples/data/vtest.avi at $PWD/$footage_source, and call make again."
    say "footage: fetching Debian's opencv-doc for its vtest.avi (96 MB)"
    if ! watched footage download_opencv_doc; then
      update_lists
      watched footage download_opencv_doc || explain footage
    fi
    watched footage unpack_footage || explain footage
    for file in "$scratch"/unpacked/usr/share/doc/opencv-doc/examples/data/vtest.avi*; do
      case $file in
      *.gz) gunzip "$file" || explain footage ;;
      esac
      mv "${file%.gz}" "$scratch/vtest.avi"
    done
  fi
  mv -f "$scratch/vtest.avi" "$footage_source"
}

download_opencv_doc() {
  local sandbox=()
  # Root's downloads are handed to a user who may not enter this folder.
  [ "$(id -u)" -ne 0 ] || sandbox=(-o APT::Sandbox::User=root)
  (cd "$scratch" && apt-get download "${sandbox[@]}" opencv-doc)
}

unpack_footage() {
  mkdir "$scratch/unpacked"
  dpkg-deb --fsys-tarfile "$scratch"/opencv-doc_*.deb | tar -x -C "$scratch/unpacked" --wildcards '*/examples/data/vtest.avi*'
}
