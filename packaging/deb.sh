#!/bin/sh
# Makes a Debian package of an installation in STAGE: deb.sh STAGE VERSION TARGET [COMPRESSION].
set -eu
stage=$1 version=$2 target=$3
here=$(dirname "$0")
install -d "$stage/DEBIAN" "$(dirname "$target")"
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$(dpkg --print-architecture)/" \
    "$here/debian/control" > "$stage/DEBIAN/control"
install -m 0644 "$here/debian/conffiles" "$stage/DEBIAN/"
install -m 0755 "$here/debian/postinst" "$here/debian/prerm" "$here/debian/postrm" "$stage/DEBIAN/"
doc=$stage/usr/share/doc/jukinet-daemon
install -d "$doc"
gzip -9n < "$here/debian/changelog" > "$doc/changelog.gz"
install -D -m 0644 "$here/debian/lintian-overrides" "$stage/usr/share/lintian/overrides/jukinet-daemon"
dpkg-deb -Z"${4:-xz}" --root-owner-group --build "$stage" "$target"
