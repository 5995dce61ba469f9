#!/usr/bin/env bash
# The plugins of docs/tutorials, examples/plugins, built, checked and run as a plugin author would, with nothing of this
# tree but their folders and the two Debian packages. Those whose libraries this build does without are left out.
#
#   tests/install/tutorials.sh BUILD_DIRECTORY
set -euo pipefail
here=$(dirname "$(realpath "$0")")
source "$here/packages.sh"
unpack_packages "${1:?usage: tutorials.sh BUILD_DIRECTORY}"

tutorial() {
  local name=$1
  shift
  echo "== $name"
  cp -r "$here/../../examples/plugins/$name" "$HOME/$name"
  cd "$HOME/$name"
  quietly cmake -B build
  quietly cmake --build build
  ctest --test-dir build --no-tests=error --output-on-failure
  "$@"
  skerry run -f job.yaml --edges 2 --out "$HOME/result-$name" | tee "$HOME/$name.out"
}
says() {
  grep -q -- "$2" "$HOME/$1.out" || { echo "$1: expected \"$2\" in the output above" >&2; exit 1; }
}

tutorial trimmed-mean true
says trimmed-mean "Succeeded, 5 rounds: accuracy"
if [[ -e $plugins/image-folder.so ]]; then
  tutorial blur build/make_pictures pictures
  says blur "10 of 40 examples on 2 nodes are hard (25.0%)"
fi
if [[ -e $plugins/torch.so ]]; then
  tutorial perceptron true
  says perceptron "Succeeded, 5 rounds: accuracy"
fi
