#!/usr/bin/env bash
# What README.md and the plugin guide tell a plugin author to do (author_steps.sh), with nothing of this tree but the two
# Debian packages, unpacked into an empty prefix.
#
#   tests/install/author_day.sh BUILD_DIRECTORY
set -euo pipefail
here=$(dirname "$(realpath "$0")")
source "$here/packages.sh"
unpack_packages "${1:?usage: author_day.sh BUILD_DIRECTORY}"
bash "$here/author_steps.sh"
