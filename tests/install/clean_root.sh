#!/usr/bin/env bash
# The same on a Debian 12 that has nothing but the two packages and what they ask for: apt installs them into a fresh root,
# and an ordinary user does author_steps.sh there. Needs root, debootstrap and a mirror, so that no suite runs it by itself.
#
#   tests/install/clean_root.sh BUILD_DIRECTORY
set -euo pipefail
here=$(dirname "$(realpath "$0")")
build=$(realpath "${1:?usage: clean_root.sh BUILD_DIRECTORY}")
mirror=${MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

(cd "$build" && cpack -B "$work/packages" >"$work/log" 2>&1) || { cat "$work/log" >&2; exit 1; }
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
cp "$work"/packages/*.deb "$root/tmp"
cp "$here/author_steps.sh" "$root/tmp"
cp /etc/resolv.conf "$root/etc"

# Mounts of a namespace of its own are gone when it ends.
export root
unshare --mount bash -euc '
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  chroot "$root" /bin/bash -euc "
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq /tmp/skerry*.deb >/tmp/log 2>&1 || { tail -20 /tmp/log; exit 1; }
    useradd --create-home author"
  chroot --userspec=author:author "$root" /usr/bin/env -i HOME=/home/author PATH=/usr/bin:/bin LANG=C.UTF-8 \
    /bin/bash -euc "cd; bash /tmp/author_steps.sh"
'
