#!/bin/sh
# Lays out an installation: install.sh PYTHON DESTDIR PREFIX RUN_PYTHON. PYTHON has pip and hatchling (make install
# takes the local environment's); RUN_PYTHON is what the installed programs will run on, of the same version.
set -eu
python=$1 dest=$2 prefix=$3 run_python=$4
root=$dest$prefix
here=$(dirname "$0")

# Packages stand in a folder of their own: nothing of the system's Python is touched, and none of it is used.
rm -rf "$root/lib/jukinet"
install -d "$root/lib/jukinet" "$root/bin"
pip() { "$python" -m pip install --quiet --disable-pip-version-check --no-compile --target "$root/lib/jukinet" "$@"; }
pip --require-hashes -r "$here/../requirements/run.txt"
pip --no-deps --no-build-isolation "$here/.."
rm -rf "$root/lib/jukinet/bin"
# Compiled now: a hardened unit may write nothing, and would compile everything at each start.
"$python" -m compileall -q -j 0 -s "$dest" --invalidation-mode unchecked-hash "$root/lib/jukinet"
for program in jukinetd jukinetctl; do
    sed "s|@PYTHON@|$run_python|" "$here/launcher" > "$root/bin/$program"
    chmod 0755 "$root/bin/$program"
done

units=$root/lib/systemd/system
install -d "$units"
cp -R "$here"/../systemd/jukinet* "$units"
find "$units" -name 'jukinet*.service' -type f -exec sed -i "s|=/usr/bin/|=$prefix/bin/|" {} +
# What a unit may run stands elsewhere than with Debian's package: the programs, and maybe Python.
sed -i -e "/^ExecPaths=/s|/usr/bin/jukinet|$prefix/bin/jukinet|g" -e "/^ExecPaths=/s|/usr/lib/jukinet|$prefix/lib/jukinet|" \
    -e "/^ExecPaths=/s|/usr/bin/python3|$run_python|" "$units/jukinet-.service.d/hardening.conf"
install -D -m 0644 "$here/../systemd/sysusers.conf" "$root/lib/sysusers.d/jukinet.conf"
install -D -m 0644 "$here/../systemd/tmpfiles.conf" "$root/lib/tmpfiles.d/jukinet.conf"

install -D -m 0644 "$here/../config/example.toml" "$root/share/jukinet/example.toml"
install -m 0644 "$here/cluster.sql" "$here/database.sql" "$root/share/jukinet/"
cp -R "$here/../config/monitoring" "$root/share/jukinet/monitoring"
install -d "$root/share/doc/jukinet-daemon" "$dest/etc/jukinet/pki"
"$python" "$here/copyright.py" "$here/../LICENSE" "$root/lib/jukinet" "${prefix#/}/lib/jukinet" > "$root/share/doc/jukinet-daemon/copyright"
install -d -m 0700 "$dest/etc/jukinet/keys"
for register in juki fuhyo; do
    # What an administrator has written stays.
    [ -e "$dest/etc/jukinet/$register.toml" ] || install -m 0644 "$here/$register.toml" "$dest/etc/jukinet/"
done
