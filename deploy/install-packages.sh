#!/bin/sh
# deploy/install-packages.sh KIND...: installs the packages of deploy/packages.txt of these kinds that
# are missing. Says what it does; does nothing, and needs no network, when nothing is missing.
set -eu
list=$(dirname "$0")/packages.txt
missing=
for kind in "$@"; do
  for package in $(sed -n "s/^$kind: //p" "$list"); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing="$missing $package"
  done
done
[ -n "$missing" ] || exit 0

echo "installing:$missing" >&2
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >&2
# shellcheck disable=SC2086 # a list of names
$sudo apt-get install -y -q --no-install-recommends $missing >&2
