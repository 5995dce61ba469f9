#!/usr/bin/env bash
# FedAvg as other compilers, language versions and standard libraries build it: the host loads each, and the same job
# gives the same model, bit for bit, as with the plugin that was built with the host.
#
#   tests/abi/matrix.sh SKERRY_BINARY MANIFEST_CPP SOURCE_DIR
set -euo pipefail
export LC_ALL=C
umask 022 # hosts refuse plugins that others may write
usage="usage: matrix.sh SKERRY_BINARY MANIFEST_CPP SOURCE_DIR"
skerry=$(realpath "${1:?$usage}")
manifest=$(realpath "${2:?$usage}")
source=$(realpath "${3:?$usage}")
plugin=$source/plugins/aggregation/fedavg
work=$(realpath "$(mktemp -d)")
trap 'rm -rf "$work"' EXIT

# Nothing of this user's may be found or be left behind.
unset SKERRY_PLUGIN_PATH SKERRY_STATE SKERRY_LOG_LEVEL
export HOME=$work/home XDG_DATA_HOME=$work/home XDG_STATE_HOME=$work/home TMPDIR=$work
mkdir "$work/home"
cp "$source/sdk/templates/common/points.csv" "$work"

digest() { b2sum -l 256 "$1" | cut -d ' ' -f 1; }
row() { printf '%-22s %-11s %9s %8s  %s\n' "$@"; }
seconds_since() { awk -v began="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%.1f", now - began }'; }

# build FOLDER COMPILER FLAGS...
build() {
  local folder=$1 compiler=$2
  shift 2
  [[ $compiler == clang* ]] || set -- "$@" -fno-gnu-unique
  "$compiler" "$@" -O2 -ffp-contract=off -fPIC -shared -fvisibility=hidden -fvisibility-inlines-hidden \
    -I "$source/sdk/include" -Wl,--no-undefined \
    -Wl,--version-script="$source/sdk/cmake/plugin.map" -o "$folder/fedavg.so" "$plugin/fedavg.cpp" "$manifest"
}

# Runs the job in FOLDER and prints its model's digest. FILE has to be what the worker loaded.
run() {
  local folder=$1 path=$2 file=$3 loaded
  cat >"$folder/job.yaml" <<JOB
apiVersion: skerry.dev/v1alpha1
kind: FederatedLearningJob
metadata: {name: matrix}
spec:
  pluginPath: [$path]
  estimator: {plugin: linear, config: {lr: 0.5, epochs: 3}}
  dataset: {plugin: csv, config: {uri: $work/points.csv, label: colour, holdout: 0.25}}
  aggregation: {plugin: fedavg}
  rounds: 5
JOB
  "$skerry" run -f "$folder/job.yaml" --edges 2 --quiet --out "$folder/out" >&2 || return 1
  loaded=$(sed -n 's/.* loaded fedavg [^ ]* //p' "$folder"/out/logs/cloud-worker-task-*.log | sort -u)
  if [[ $loaded != "$(digest "$file") $file" ]]; then
    echo "matrix.sh: expected $(digest "$file") $file to be loaded, found ${loaded:-nothing}" >&2
    return 1
  fi
  digest "$folder/out/model.safetensors"
}

failed=0
# check VARIANT COMPILER FLAGS...
check() {
  local variant=$1 compiler=$2 folder=$work/$1 began=$EPOCHREALTIME model size
  shift 2
  if [[ $compiler == clang* ]] && ! command -v "$compiler" >/dev/null; then
    row "$variant" "$compiler" - - "skipped: there is no $compiler here"
    return
  fi
  mkdir "$folder"
  if ! build "$folder" "$compiler" "$@" || ! model=$(run "$folder" "$folder" "$folder/fedavg.so"); then
    model=failed
  fi
  size=$(stat -c %s "$folder/fedavg.so" 2>/dev/null || echo -)
  row "$variant" "$compiler" "$size" "$(seconds_since "$began")" "$model"
  if [[ $model != "$expected" ]]; then
    echo "matrix.sh: $variant: expected the model of the plugin that was built with the host" >&2
    failed=1
  fi
}

built_in=$(dirname "$skerry")/plugins/fedavg.so
began=$EPOCHREALTIME
mkdir "$work/as-built"
expected=$(run "$work/as-built" "" "$built_in")
row variant compiler bytes seconds model
row as-built - "$(stat -c %s "$built_in")" "$(seconds_since "$began")" "$expected"

check g++-c++17 g++ -std=c++17
check g++-c++20 g++ -std=c++20
check clang++-c++17 clang++-14 -std=c++17
check clang++-c++20 clang++-14 -std=c++20
check g++-old-string g++ -std=c++17 -D_GLIBCXX_USE_CXX11_ABI=0
check g++-debug-containers g++ -std=c++17 -D_GLIBCXX_DEBUG
check g++-static-library g++ -std=c++17 -static-libstdc++ -static-libgcc
exit $failed
