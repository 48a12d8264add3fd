# Checks what training has left in $OUTPUT_DIR, and pushes it to $OUTPUT_IMAGE as an image with the files in /data, which
# KAITO's servers can pull as an adapter. Without $OUTPUT_IMAGE the adapter is where it belongs already.
set -eu

for file in fine_tuning_completed.txt adapter_config.json adapter_model.safetensors; do
  [ -s "$OUTPUT_DIR/$file" ] || { echo "Training has left no $file in $OUTPUT_DIR." >&2; exit 1; }
done

if [ -z "$OUTPUT_IMAGE" ]; then
  echo "The adapter is in $OUTPUT_DIR:"
  ls -l "$OUTPUT_DIR"
  exit 0
fi

work=$(mktemp -d)
cd "$work"
mkdir data
cp "$OUTPUT_DIR/adapter_config.json" "$OUTPUT_DIR/adapter_model.safetensors" data/
tar -cf layer.tar data
diff_id=$(sha256sum layer.tar | cut -d ' ' -f 1)
gzip -9 layer.tar
printf '{"rootfs":{"diff_ids":["sha256:%s"]}}' "$diff_id" > config.json
printf '{"$manifest":{"sh.kaito.model.name":"%s"}}' "$PRESET_NAME" > annotations.json
oras push --oci-layout layout:latest --annotation-file annotations.json \
  --config config.json:application/vnd.oci.image.config.v1+json \
  layer.tar.gz:application/vnd.oci.image.layer.v1.tar+gzip
digest=$(oras resolve --oci-layout layout:latest)

# Hours of training must not be lost to one bad moment of the registry.
refusals=0
for pause in 5 15 30 60 0; do
  if oras cp --from-oci-layout layout:latest "$OUTPUT_IMAGE" 2> errors.txt; then
    echo "Pushed $OUTPUT_IMAGE@$digest"
    printf 'digest=%s' "$digest" > "${TERMINATION_LOG:-/dev/termination-log}"
    exit 0
  fi
  cat errors.txt >&2
  case "$(cat errors.txt)" in
    *unauthorized* | *denied* | *'status code 401'* | *'status code 403'* | *'credential not found'*) refusals=$((refusals + 1)) ;;
    *) refusals=0 ;;
  esac
  # A login may run out in the middle of an upload. One that is refused anew is refused for good, and the GPU costs money.
  [ "$refusals" -lt 2 ] || break
  [ "$pause" = 0 ] || { echo "The push failed; trying again in $pause seconds." >&2; sleep "$pause"; }
done
echo "$OUTPUT_IMAGE cannot be pushed." >&2
exit 1
