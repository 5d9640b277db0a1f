# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What the computer that carries the lab must have.

lab_tools=(systemd-container mmdebstrap debian-archive-keyring nftables iproute2 openssh-client openssl util-linux procps python3 ca-certificates)

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

# An unguessable text of letters and digits.
secret_new() { head -c 512 /dev/urandom | base64 -w0 | tr -dc A-Za-z0-9 | cut -c "1-$1"; }

# What an operator would put into a vault. The vaulted file is no part of the repository: each checkout gets a copy beside its inventory.
engine_secrets_make() {
    local dir=$lab_state/engine owner=${EELAB_OWNER:-root} inventory
    install -d -m 0700 -o "$owner" "$dir"
    if [ ! -s "$dir/vault.yml" ]; then
        (
            umask 077
            printf 'ee_%s_%s\n' "$(head -c 4 /dev/urandom | od -An -tx1 | tr -d ' \n')" "$(secret_new 43)" >"$dir/admin_key"
            secret_new 40 >"$dir/vault_password"
            printf -- '---\nengine_key_pepper: %s\nengine_session_secret: %s\nengine_vault_password: %s\n' \
                "$(secret_new 48)" "$(secret_new 48)" "$(cat "$dir/vault_password")" |
                "$lab_root/.venv/bin/ansible-vault" encrypt --vault-password-file "$dir/vault_password" --output "$dir/vault.yml.new" - 2>/dev/null
        )
        mv "$dir/vault.yml.new" "$dir/vault.yml"
    fi
    chown "$owner" "$dir"/*
    for inventory in lab_engine lab_mailwizz; do
        install -m 0600 -o "$owner" "$dir/vault.yml" "$lab_root/inventories/$inventory/group_vars/all/vault.yml"
    done
}

# MailWizz's, under the engine's vault password: the engine's jobs read them, too. Beside the vaulted file each in the open, for tests.
mailwizz_secrets_make() {
    local dir=$lab_state/mailwizz owner=${EELAB_OWNER:-root} name
    install -d -m 0700 -o "$owner" "$dir"
    for name in admin_password database_password feeder_sos_holidays feeder_ulixai; do
        [ -s "$dir/$name" ] || (umask 077 && secret_new 32 >"$dir/$name" && rm -f "$dir/vault.yml")
    done
    if [ ! -s "$dir/vault.yml" ] || [ "$lab_state/engine/vault_password" -nt "$dir/vault.yml" ]; then
        (
            umask 077
            printf -- '---\nvault_mailwizz_admin_password: %s\nvault_mailwizz_database_password: %s\nvault_feeder_sos_holidays: %s\nvault_feeder_ulixai: %s\n' \
                "$(cat "$dir/admin_password")" "$(cat "$dir/database_password")" "$(cat "$dir/feeder_sos_holidays")" "$(cat "$dir/feeder_ulixai")" |
                "$lab_root/.venv/bin/ansible-vault" encrypt --vault-password-file "$lab_state/engine/vault_password" --output "$dir/vault.yml.new" - 2>/dev/null
        )
        mv "$dir/vault.yml.new" "$dir/vault.yml"
    fi
    chown "$owner" "$dir"/*
    install -m 0600 -o "$owner" "$dir/vault.yml" "$lab_root/inventories/lab_mailwizz/group_vars/all/vault_mailwizz.yml"
}

# Keys and secrets, made once.
secrets_make() {
    local owner=${EELAB_OWNER:-root}
    install -d -m 0700 -o "$owner" "$lab_state/ssh"
    [ -s "$lab_key" ] || ssh-keygen -q -t ed25519 -N '' -C 'email engine lab' -f "$lab_key"
    if [ ! -s "$lab_state/tsig.secret" ]; then
        (umask 077 && head -c 32 /dev/urandom | base64 -w0 >"$lab_state/tsig.secret.new")
        mv "$lab_state/tsig.secret.new" "$lab_state/tsig.secret"
    fi
    # With which the lab's root is signed. The trust anchor beside it is public.
    install -d -m 0755 "$lab_state/dnssec"
    if [ ! -s "$lab_state/dnssec/signing.pem" ]; then
        (umask 077 && openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$lab_state/dnssec/signing.pem.new")
        mv "$lab_state/dnssec/signing.pem.new" "$lab_state/dnssec/signing.pem"
    fi
    # What the machines' own resolvers hand to the lab's: names outside the lab.
    outside_names | sed 's/.*/"&"/' | paste -sd, | sed 's/.*/[&]/' >"$lab_state/outside_names.json"
    touch "$lab_state/ssh/known_hosts"
    chown "$owner" "$lab_key" "$lab_key.pub" "$lab_state/ssh/known_hosts" "$lab_state/tsig.secret"
    engine_secrets_make
    mailwizz_secrets_make
}
