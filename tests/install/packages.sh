# For scripts that try Skerry as it is installed.

# unpack_packages BUILD: makes the Debian packages of a build and unpacks them where nobody looks by chance. Afterwards PATH
# and CMAKE_PREFIX_PATH lead there, HOME is an empty folder, and $plugins is where the plugins are.
unpack_packages() {
  local build
  build=$(realpath "$1")
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$build" && cpack -B "$work/packages" >"$work/cpack.log" 2>&1) || { cat "$work/cpack.log" >&2; exit 1; }
  ls -l "$work"/packages/*.deb
  local package
  for package in "$work"/packages/*.deb; do
    dpkg-deb -x "$package" "$work/root"
  done
  export HOME="$work/home" CMAKE_PREFIX_PATH="$work/root/usr" CMAKE_GENERATOR=Ninja
  export PATH="$work/root/usr/bin:/usr/bin:/bin"
  unset SKERRY_PLUGIN_PATH
  plugins=$(echo "$work"/root/usr/lib*/skerry/plugins)
  mkdir -p "$HOME"
  cd "$HOME"
}

# quietly COMMAND...: shows what it printed only where it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
}
