#!/usr/bin/env bash
# A plugin author's day: a project of each kind is made, built, checked and run in a job, unedited; then a plugin is dropped
# into a directory and named by a job. In the current folder, with Skerry on PATH.
set -euo pipefail

quietly() {
  "$@" >log 2>&1 || { cat log >&2; exit 1; }
}

author_day() {
  local kind=$1 name=my_$1
  skerry plugin new "$kind" "$name" >/dev/null
  cd "$name"
  quietly cmake -B build
  quietly cmake --build build
  ctest --test-dir build --no-tests=error --output-on-failure
  skerry run -f job.yaml --edges 2 --quiet --out "../result-$kind"
  cd ..
}
for kind in aggregation codec dataset estimator inference payload sampling selection sink source workflow; do
  echo "== $kind"
  began=$(date +%s)
  author_day "$kind"
  echo "== $kind: $(($(date +%s) - began)) s"
done

echo "== dropped into a directory, found there, and named by a job"
mkdir -p "$HOME/.local/share/skerry/plugins"
cp my_aggregation/build/my_aggregation.so "$HOME/.local/share/skerry/plugins"
skerry plugin inspect my_aggregation
grep -v pluginPath my_aggregation/job.yaml >job.yaml
cp my_aggregation/points.csv .
skerry run -f job.yaml --edges 2 --out result
