#!/bin/sh
# What the booted machine runs: the guide's commands, one block after another, then the checks; then it powers off.
RESULTS=/srv/results
[ -e "$RESULTS" ] || RESULTS=/dev/ttyS1
export RESULTS DEBIAN_FRONTEND=noninteractive PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 HOME=/root
say() { printf '{"check": "%s", "ok": %s, "said": "%s"}\n' "$1" "$2" "$3" >> "$RESULTS"; }
finish() { say end true ""; systemctl poweroff; exit; }
# An emulated processor is some twenty times slower.
PATIENCE=1
[ "$(systemd-detect-virt)" = qemu ] && PATIENCE=20
export PATIENCE
step() {
    if (cd /root/given && timeout $((300 * PATIENCE)) sh -e "/srv/boot/steps/$1.sh") > /root/step.log 2>&1; then
        say "install.md $1" true "$(wc -l < "/srv/boot/steps/$1.sh") lines as they stand"
    else
        say "install.md $1" false "$(tail -n 6 /root/step.log | tr -cd '[:print:] ' | tr -d '"\\' | tail -c 600)"
        return 1
    fi
}
# What the guide says comes true after some seconds is tried until it does, for a minute.
step_in_time() {
    for _ in $(seq $((30 * PATIENCE))); do
        (cd /root/given && sh -e "/srv/boot/steps/$1.sh") > /dev/null 2>&1 && break
        sleep 2
    done
    step "$1"
}
# Beside the machine: one network with the municipalities' lines, the national servers, and strangers.
outside() {
    ip netns add outside
    ip link add inner type veth peer name outer netns outside
    ip link set inner up
    ip netns exec outside ip link set lo up
    ip netns exec outside ip link set outer up
    for net in 10.40.0 10.99.0 192.0.2; do
        ip address add $net.1/24 dev inner
        ip netns exec outside ip address add $net.10/24 dev outer
    done
    ip netns exec outside ip address add 192.0.2.66/24 dev outer
}
nationals() {
    port=7543
    for register in juki fuhyo; do
        systemd-run -q --unit="national-$register" -p NetworkNamespacePath=/run/netns/outside -E PYTHONPATH=/usr/lib/jukinet \
            python3 -m jukinet_daemon.cli.jukinet_sim national --register "$register" --listen "192.0.2.10:$port" \
            --pki /root/world/pki --trust-domain jukinet.example --journal "/root/world/national-$register.ndjson"
        port=$((port + 1))
    done
}
# From before the first connection on: what PostgreSQL keeps of every statement is looked through at the end.
statements() {
    sudo -u postgres psql -q -v ON_ERROR_STOP=1 -c "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'" \
        && systemctl restart postgresql@15-main \
        && sudo -u postgres psql -q -v ON_ERROR_STOP=1 -c "ALTER SYSTEM SET pg_stat_statements.track = 'all'" \
            -c "SELECT pg_reload_conf()" -c "CREATE EXTENSION pg_stat_statements" > /dev/null
}
check() { PYTHONPATH=/srv/boot:/usr/lib/jukinet python3 -m inside.check "$1"; }

outside
if [ -e /root/rebooted ]; then
    nationals
    check second
    finish
fi
cp -r /srv/boot/given /srv/boot/world /root/
cp /srv/boot/jukinet-daemon.deb /root/given/
printf '127.0.0.1 localhost\n127.0.1.1 prefecture\n' >> /etc/hosts
useradd -m operator1
step 1-1 && step 2-1 && statements && step 3-1 && step edit && step 4-1 && step 4-2 && step 4-3 && nationals && step 5-1 && step_in_time 5-2 || {
    {
        journalctl -b -o short-monotonic --no-pager | tail -n 300
        systemctl list-units --failed --no-pager
        pg_lsclusters
    } >> /dev/console 2>&1
    finish
}
check first
touch /root/rebooted
systemctl reboot
