# Downloads each of the addresses in $DATA_URLS, which spaces separate, into $DATA_VOLUME_PATH. A file is named after the
# last part of its address.
set -euf

fetch() {
  status=$(curl --silent --show-error --location --proto '=http,https' --proto-redir '=http,https' \
    --connect-timeout 30 --speed-limit 1 --speed-time 120 \
    --write-out '%{http_code}' --output "$2" "$1") || return 1
  [ "$status" = 200 ] || { echo "$1 answers $status." >&2; return 1; }
  [ -s "$2" ] || { echo "$1 is empty." >&2; return 1; }
}

download() {
  for attempt in 1 2 3; do
    [ "$attempt" = 1 ] || sleep 2
    fetch "$1" "$2" && return 0
    rm -f "$2"
  done
  return 1
}

[ -n "$DATA_URLS" ] || { echo "DATA_URLS names no dataset." >&2; exit 1; }

for url in $DATA_URLS; do
  name=${url%%[?#]*}
  name=${name##*/}
  [ -n "$name" ] || { echo "$url names no file." >&2; exit 1; }
  echo "Downloading $url"
  download "$url" "$DATA_VOLUME_PATH/$name" || { echo "$url cannot be downloaded." >&2; exit 1; }
done
ls -l "$DATA_VOLUME_PATH"
