# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Disks (an overlay over the cached layers) and processes of the machines.

machine_dir() { echo "$lab_state/machines/$1"; }

under_systemd() { [ -d /run/systemd/system ]; }

# overlay_mount LAYERS DIR: DIR has upper, work, root.
overlay_mount() {
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root" ||
        fail "overlayfs could not be mounted on $2/root" "load the kernel module (modprobe overlay); $lab_state must not lie on an overlay itself"
}

# disk_create NAME: an empty disk with what a hosting provider writes into a fresh server: name, address, keys.
disk_create() {
    local name=$1 dir root
    dir=$(machine_dir "$name")
    root=$dir/root
    remove_tree "$dir"
    mkdir -p "$dir/upper" "$dir/work" "$root"
    overlay_mount "$(image_layers "$name")" "$dir"
    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    echo "$name" >"$root/etc/hostname"
    printf '127.0.0.1 localhost\n%s %s.lab.test %s\n' "${lab_address[$name]}" "$name" "$name" >"$root/etc/hosts"
    echo "nameserver $lab_resolver" >"$root/etc/resolv.conf"
    cat >"$root/etc/systemd/network/10-host0.network" <<NETWORK
[Match]
Name=host0

[Network]
Address=${lab_address[$name]}/$lab_prefix
Gateway=$lab_host
LinkLocalAddressing=no
IPv6AcceptRA=no
NETWORK
    install -d -m 0700 "$root/root/.ssh"
    install -m 0600 "$lab_key.pub" "$root/root/.ssh/authorized_keys"
    ssh_forget "$name"
    ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$root/etc/ssh/ssh_host_ed25519_key"
    image_layers "$name" >"$dir/layers"
}

# disk_up NAME: mounts the disk, or makes a new one when there is none or its layers are gone.
disk_up() {
    local name=$1 dir
    dir=$(machine_dir "$name")
    if [ "$(cat "$dir/layers" 2>/dev/null)" != "$(image_layers "$name")" ]; then
        machine_kill "$name"
        disk_create "$name"
    elif ! mountpoint -q "$dir/root"; then
        overlay_mount "$(image_layers "$name")" "$dir"
    fi
}

# The machine's own control groups: one name, on whatever hierarchies this computer has.
machine_cgroups() {
    local hierarchy
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        [ ! -e "$hierarchy/cgroup.procs" ] || echo "$hierarchy/email-engine-lab/$1"
    done
}

machine_processes() {
    local group
    while read -r group; do
        [ ! -d "$group" ] || find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null
    done < <(machine_cgroups "$1") | sort -un
}

machine_running() {
    if under_systemd; then
        systemctl -q is-active "eelab-$1.service"
    else
        [ -n "$(machine_processes "$1")" ]
    fi
}

machine_start() {
    local name=$1 dir
    dir=$(machine_dir "$name")
    if under_systemd; then
        systemctl reset-failed "eelab-$name.service" 2>/dev/null || true
        # Status 133 is how systemd-nspawn says that the machine wants to boot again.
        systemd-run --quiet --collect --unit="eelab-$name" --description="Email engine lab: $name" --property=Delegate=yes \
            --property=KillMode=mixed --property=RestartForceExitStatus=133 --property=SuccessExitStatus=133 \
            --property="StandardOutput=append:$dir/console.log" --property=StandardError=inherit \
            -- "$lab_root/tests/lab/lib/boot" "$name" "$dir/root" "$lab_bridge"
    else
        # A session of its own: the machine outlives the shell that started it.
        # shellcheck disable=SC2046
        setsid nohup bash "$lab_root/tests/lab/lib/boot-again" "$name" "$dir/root" "$lab_bridge" $(machine_cgroups "$name") \
            >>"$dir/console.log" 2>&1 </dev/null &
    fi
}

# machine_kill NAME: at once, as by pulling the plug; the disk stays.
machine_kill() {
    local name=$1 group pids tries=0
    ssh_close "$name"
    if under_systemd; then
        systemctl -q is-active "eelab-$name.service" || return 0
        systemctl kill --signal=KILL "eelab-$name.service" 2>/dev/null || true
        systemctl stop "eelab-$name.service" 2>/dev/null || true
        return 0
    fi
    while pids=$(machine_processes "$name" | paste -sd' ') && [ -n "$pids" ]; do
        [ $((tries += 1)) -le 100 ] || fail "processes of $name do not end: $pids" "look at them with ps; a hanging disk is the usual reason"
        # shellcheck disable=SC2086 # a list
        kill -KILL $pids 2>/dev/null || true
        sleep 0.05
    done
    while read -r group; do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        rmdir "$(dirname "$group")" 2>/dev/null || true
    done < <(machine_cgroups "$name")
    ip link delete "vb-$name" 2>/dev/null || true
}

# machine_power_off NAME: orderly; after 20 s the plug is pulled.
machine_power_off() {
    local name=$1 tries=0
    machine_running "$name" || return 0
    ssh_to "$name" systemctl --no-block poweroff >/dev/null 2>&1 || true
    while machine_running "$name" && [ $((tries += 1)) -le 100 ]; do sleep 0.2; done
    machine_kill "$name"
}

# ssh_to NAME COMMAND...
ssh_to() {
    local name=$1
    shift
    # shellcheck disable=SC2029 # the caller quotes for the other side
    ssh "${lab_ssh_options[@]}" "${lab_address[$name]}" "$@"
}

# ssh_close NAME: a connection that is kept open would hang on a dead machine.
ssh_close() {
    local address=${lab_address[$1]} socket
    for socket in "$lab_state"/ssh/cm-*-"$address"; do
        [ ! -S "$socket" ] || ssh "${lab_ssh_options[@]}" -o "ControlPath=$socket" -O exit "$address" 2>/dev/null || true
        rm -f "$socket"
    done
}

# ssh_forget NAME: a fresh disk has a fresh host key.
ssh_forget() {
    ssh-keygen -q -f "$lab_state/ssh/known_hosts" -R "${lab_address[$1]}" >/dev/null 2>&1 || true
    rm -f "$lab_state/ssh/known_hosts.old"
}

# machine_answers NAME SECONDS: waits for a login, not only for an open port.
machine_answers() {
    local name=$1 until=$((SECONDS + $2))
    until timeout 5 ssh "${lab_ssh_options[@]}" -o ConnectTimeout=2 "${lab_address[$name]}" true 2>/dev/null </dev/null; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.2
    done
}

machines_boot() {
    local name
    for name in "$@"; do machine_start "$name"; done
    for name in "$@"; do
        if ! machine_answers "$name" 60; then
            show_end_of "$(machine_dir "$name")/console.log"
            fail "$name does not answer at ${lab_address[$name]}" "see its console above; a fresh try: bin/lab down && bin/lab up"
        fi
    done
}

# machines_up: starts what does not run, and starts anew what runs but does not answer.
machines_up() {
    local name absent=()
    for name in "${lab_machines[@]}"; do
        disk_up "$name"
        if machine_running "$name"; then
            machine_answers "$name" 15 && continue
            say "$name runs but does not answer: pulling its plug"
            machine_kill "$name"
        fi
        absent+=("$name")
    done
    [ "${#absent[@]}" = 0 ] || step "booting ${absent[*]}" machines_boot "${absent[@]}"
}
