# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What the computer that carries the lab must have.

lab_tools=(systemd-container mmdebstrap debian-archive-keyring nftables iproute2 openssh-client util-linux procps python3 ca-certificates)

tools_missing() {
    local tool
    for tool in "${lab_tools[@]}"; do
        dpkg-query -W -f '${Status}' "$tool" 2>/dev/null | grep -q 'ok installed' || echo "$tool"
    done
}

tools_install() {
    local missing log=$lab_state/log/tools.log
    mapfile -t missing < <(tools_missing)
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "this computer has no apt-get" "run the lab on Debian 12"
    say "installing ${missing[*]}"
    # A package source that is not the lab's business may fail here; the installation itself must not.
    apt-get update -q >"$log" 2>&1 || true
    if ! DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
        show_end_of "$log"
        fail "apt could not install ${missing[*]}" "mend the package sources (the whole log is $log), then repeat"
    fi
}

state_make() { install -d -m 0755 "$lab_state" "$lab_state/log" "$lab_images"; }

# Keys and secrets, made once.
secrets_make() {
    local owner=${EELAB_OWNER:-root}
    install -d -m 0700 -o "$owner" "$lab_state/ssh"
    [ -s "$lab_key" ] || ssh-keygen -q -t ed25519 -N '' -C 'email engine lab' -f "$lab_key"
    if [ ! -s "$lab_state/tsig.secret" ]; then
        (umask 077 && head -c 32 /dev/urandom | base64 -w0 >"$lab_state/tsig.secret.new")
        mv "$lab_state/tsig.secret.new" "$lab_state/tsig.secret"
    fi
    touch "$lab_state/ssh/known_hosts"
    chown "$owner" "$lab_key" "$lab_key.pub" "$lab_state/ssh/known_hosts" "$lab_state/tsig.secret"
}
