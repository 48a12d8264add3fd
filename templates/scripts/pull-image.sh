# Copies the folder /data of the image $IMAGE_REF to $DESTINATION. The registry is asked without credentials first, then
# with each of the docker configurations below ~/.docker/config.d.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fetch() {
  rm -rf "$scratch/image"
  skopeo copy "$@" "docker://$IMAGE_REF" "dir:$scratch/image"
}

pull() {
  fetch --src-no-creds && return 0
  for credentials in "$HOME"/.docker/config.d/*.json; do
    [ -e "$credentials" ] || continue
    echo "Trying again with $(basename "$credentials")."
    fetch --src-authfile "$credentials" && return 0
  done
  return 1
}

pull || { echo "$IMAGE_REF cannot be pulled." >&2; exit 1; }

mkdir "$scratch/root"
layers=$(skopeo inspect --format '{{range .Layers}}{{println .}}{{end}}' "dir:$scratch/image")
for layer in $layers; do
  tar -xf "$scratch/image/${layer#*:}" -C "$scratch/root"
done

[ -d "$scratch/root/data" ] || { echo "$IMAGE_REF has no folder /data." >&2; exit 1; }
mkdir -p "$DESTINATION"
cp -R "$scratch/root/data/." "$DESTINATION/"
echo "Copied /data of $IMAGE_REF to $DESTINATION:"
ls -l "$DESTINATION"
