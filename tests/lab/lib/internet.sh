# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The services of the machine internet, by tests/lab/internet.yml; skipped while nothing they come from has changed.

internet_recipe() {
    {
        find "$lab_root/tests/lab/internet.yml" "$lab_root/tests/lab/lists.yml" "$lab_root/tests/lab/roles" "$lab_root/tests/lab/read_mail.py" \
            "$lab_root/inventories/lab/hosts.yml" -type f | sort | xargs sha256sum
        sha256sum "$lab_state/tsig.secret" "$lab_state/dnssec/signing.pem"
        cat "$(machine_dir internet)/layers"
        internet_variables
    } | hash_of
}

internet_variables() {
    local names
    names=$(cat "$lab_state/outside_names.json")
    printf '{"lab_resolver_outside_names": %s, "lab_resolver_outside_nameserver": "%s"}\n' "$names" "$(network_outside_nameserver)"
}

# Domains that the machines may resolve outside, one a line. A mirror of one's own has a name of its own.
outside_names() {
    # shellcheck disable=SC2086
    printf '%s\n' $lab_outside_names "$(url_host "$lab_mirror")" "$(url_host "$lab_security_mirror")" | sort -u
}

url_host() {
    local host=${1#*://}
    host=${host%%/*}
    echo "${host%%:*}"
}

internet_converge() {
    local log=$lab_state/log/internet.log
    if ! (cd "$lab_root" && PATH="$lab_root/.venv/bin:$PATH" ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=0 ansible-playbook -i inventories/lab \
        tests/lab/internet.yml --extra-vars "$(internet_variables)") >"$log" 2>&1 </dev/null; then
        show_end_of "$log" 40
        fail "the services of internet could not be set up" "see $log; a fresh try: bin/lab up --fresh"
    fi
}

# internet_answers SECONDS
internet_answers() {
    local until=$((SECONDS + $1)) silent
    # One login asks for all, up to the first that is silent.
    # shellcheck disable=SC2016
    until silent=$(ssh_to internet 'for p in '"$lab_internet_ports"'; do timeout 1 bash -c "exec 3<>/dev/tcp/$p" 2>/dev/null || { echo "$p"; break; }; done' </dev/null) &&
        [ -z "$silent" ]; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.3
    done
}

internet_check() {
    internet_answers 60 || fail "services of internet stay silent ($lab_internet_ports)" "bin/lab ssh internet systemctl --failed; a fresh try: bin/lab up --fresh"
    ssh_to vps1 'getent hosts mx.gmail.test >/dev/null && getent hosts 198.18.0.61 >/dev/null' </dev/null ||
        fail "vps1 cannot resolve mx.gmail.test and 198.18.0.61" "bin/lab ssh internet journalctl -u unbound -u 'lab-knot@*'; a fresh try: bin/lab up --fresh"
    # shellcheck disable=SC2016
    if ! ssh_to vps1 'timeout 15 bash -c "exec 3<>/dev/tcp/'"$(url_host "$lab_mirror")"'/80"' </dev/null >/dev/null 2>&1; then
        fail "vps1 does not reach the package mirror $(url_host "$lab_mirror")" \
            "another firewall on this computer may drop what it forwards (Docker's does: iptables -I DOCKER-USER -i $lab_bridge -j ACCEPT; iptables -I DOCKER-USER -o $lab_bridge -j ACCEPT); the nameserver asked is $(network_outside_nameserver), another: EELAB_NAMESERVER=ADDRESS"
    fi
}

internet_up() {
    local stamp recipe
    stamp=$(machine_dir internet)/converged
    recipe=$(internet_recipe)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$recipe" ]; then
        step "services of internet (Ansible; log in $lab_state/log/internet.log)" internet_converge
        echo "$recipe" >"$stamp"
    fi
    step "asking every service once" internet_check
}
