# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The bridge, and what may leave it: package downloads and the names they need, nothing else; never mail.

network_rules() {
    cat <<RULES
table inet $lab_nft_table {}
delete table inet $lab_nft_table
table inet $lab_nft_table {
    chain leaving {
        type filter hook forward priority -10; policy accept;
        iifname "$lab_bridge" oifname "$lab_bridge" accept
        oifname "$lab_bridge" ct state established,related accept
        oifname "$lab_bridge" drop
        iifname != "$lab_bridge" accept
        ct state established,related accept
        meta nfproto ipv4 tcp dport { 53, 80, 443 } accept
        meta nfproto ipv4 udp dport 53 accept
        tcp dport 25 counter drop comment "mail"
        counter drop comment "the rest"
    }
    chain to_this_computer {
        type filter hook input priority -10; policy accept;
        iifname != "$lab_bridge" accept
        ct state established,related accept
        meta l4proto icmp accept
        meta l4proto { tcp, udp } th dport 53 accept
        counter drop
    }
    chain translated {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr $lab_network/$lab_prefix oifname != "$lab_bridge" masquerade
    }
}
RULES
}

network_up() {
    local other
    if ! ip link show "$lab_bridge" >/dev/null 2>&1; then
        other=$(ip -4 route show root "$lab_network/$lab_prefix")
        [ -z "$other" ] || fail "this computer already routes addresses of $lab_network/$lab_prefix: $other" "the lab needs that range for itself"
        ip link add "$lab_bridge" type bridge || fail "this kernel makes no bridge" "load the kernel module: modprobe bridge"
    fi
    sysctl -qw "net.ipv6.conf.$lab_bridge.disable_ipv6=1" 2>/dev/null || true
    ip address replace "$lab_host/$lab_prefix" dev "$lab_bridge"
    ip link set "$lab_bridge" up
    if [ ! -e "$lab_state/ip_forward.before" ]; then
        cat /proc/sys/net/ipv4/ip_forward >"$lab_state/ip_forward.before"
    fi
    sysctl -qw net.ipv4.ip_forward=1
    network_rules | nft -f - || fail "nftables refused the lab's rules" "load the kernel modules: modprobe -a nf_tables nft_masq nft_ct"
}

network_down() {
    nft delete table inet "$lab_nft_table" 2>/dev/null || true
    ip link delete "$lab_bridge" 2>/dev/null || true
    if [ -e "$lab_state/ip_forward.before" ]; then
        sysctl -qw "net.ipv4.ip_forward=$(cat "$lab_state/ip_forward.before")"
        rm -f "$lab_state/ip_forward.before"
    fi
}

# The first nameserver of this computer that a machine can reach too (a stub on the loopback is for this computer alone).
network_outside_nameserver() {
    local found
    found=${EELAB_NAMESERVER:-$(awk '$1 == "nameserver" && $2 !~ /^127\./ && $2 !~ /:/ { print $2; exit }' \
        /etc/resolv.conf /run/systemd/resolve/resolv.conf /run/NetworkManager/resolv.conf 2>/dev/null)}
    [ -n "$found" ] || fail "no IPv4 nameserver found that the machines could ask" "name one: EELAB_NAMESERVER=ADDRESS bin/lab up"
    echo "$found"
}
