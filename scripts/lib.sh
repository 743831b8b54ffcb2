# Shared by the scripts of this folder; sourced, not run. Works with bash 3.2 (macOS) and newer.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}

say() { printf '%s\n' "setup: $*"; }

fail() {
  printf '%s\n' "setup: $*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# sha256 FILE... prints one hash per line.
sha256() {
  if have sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi | cut -d ' ' -f 1
}

# Whether FILE (a stamp) holds TEXT: what it stands for was made from the same inputs, so that it need not be made again.
stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# A folder of the same file system as the results, so that they can be moved into place in one step.
make_work_folder() {
  mkdir -p "$root/.build"
  work=$(mktemp -d "$root/.build/setup.XXXXXX")
  trap 'rm -rf "$work"' EXIT
}

# fetch_wheel REQUIREMENTS: downloads the one wheel that the file pins, or takes it from $EMBAN_SETUP_CACHE; its hash is checked
# in both cases. Sets $wheel.
fetch_wheel() {
  local folder="$work/wheel" candidate
  wheel=
  mkdir -p "$folder"
  if [ -n "${EMBAN_SETUP_CACHE:-}" ]; then
    for candidate in "$EMBAN_SETUP_CACHE"/*.whl; do
      if [ -f "$candidate" ] && grep -q "$(sha256 "$candidate")" "$1"; then
        wheel=$candidate
        return
      fi
    done
  fi
  "$python" -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps --require-hashes --only-binary :all: \
    --dest "$folder" --requirement "$1" || fail "the download of $(basename "$1" .txt) failed (see above)"
  wheel=$(echo "$folder"/*.whl)
  if [ -n "${EMBAN_SETUP_CACHE:-}" ]; then
    mkdir -p "$EMBAN_SETUP_CACHE"
    cp "$wheel" "$EMBAN_SETUP_CACHE/"
  fi
}

# unpack WHEEL FOLDER PREFIX...: the members whose names begin with one of the prefixes.
unpack() {
  "$python" - "$@" <<'PYTHON'
import os, shutil, sys, zipfile

wheel, folder, prefixes = sys.argv[1], sys.argv[2], tuple(sys.argv[3:])
with zipfile.ZipFile(wheel) as archive:
    members = [m for m in archive.infolist() if m.filename.startswith(prefixes) and not m.is_dir()]
    for member in members:
        path = os.path.join(folder, member.filename)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(member) as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        os.chmod(path, 0o755 if path.endswith(".so") else 0o644)
sys.exit(0 if members else f"nothing in {wheel} begins with {' or '.join(prefixes)}")
PYTHON
}
