#!/usr/bin/env bash
# What README.md and the plugin guide tell a plugin author to do, with nothing but the two Debian packages: a project of each
# kind is made, built, checked and run in a job, unedited.
#
#   tests/install/author_day.sh BUILD_DIRECTORY
set -euo pipefail
build=$(realpath "${1:?usage: author_day.sh BUILD_DIRECTORY}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$build" && cpack -B "$work/packages" >"$work/cpack.log" 2>&1) || { cat "$work/cpack.log" >&2; exit 1; }
ls -l "$work"/packages/*.deb
for package in "$work"/packages/*.deb; do
  dpkg-deb -x "$package" "$work/root"
done

# Nothing of this tree, or of this user's, may help.
export HOME="$work/home" CMAKE_PREFIX_PATH="$work/root/usr" CMAKE_GENERATOR=Ninja
export PATH="$work/root/usr/bin:/usr/bin:/bin"
unset SKERRY_PLUGIN_PATH
mkdir -p "$HOME"
cd "$HOME"

author_day() {
  local kind=$1 name=my_$1
  skerry plugin new "$kind" "$name" >/dev/null
  cd "$name"
  cmake -B build >"$work/log" 2>&1 && cmake --build build >>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  ctest --test-dir build --no-tests=error --output-on-failure
  skerry run -f job.yaml --edges 2 --quiet --out "$HOME/result-$kind"
  cd ..
}
for kind in aggregation selection dataset estimator workflow; do
  echo "== $kind"
  began=$(date +%s)
  author_day "$kind"
  echo "== $kind: $(($(date +%s) - began)) s"
done

echo "== dropped into a directory, and found there"
mkdir -p "$HOME/.local/share/skerry/plugins"
cp my_aggregation/build/my_aggregation.so "$HOME/.local/share/skerry/plugins"
skerry plugin inspect my_aggregation
