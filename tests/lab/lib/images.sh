# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Two cached layers: a bare Debian 12, and over it what the machine "internet" needs. Each is named by the hash of its recipe,
# built beside its final name and renamed when complete: a name that exists is a whole image.

packages_of() { grep -v '^#' "$lab_root/tests/lab/image/$1.packages" | sort; }

hash_of() { sha256sum | cut -c1-16; }

# The authorities that this computer trusts beyond Debian's own.
own_authorities() { find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null | sort; }

image_base() {
    local authority
    {
        packages_of base
        cat "$lab_root/tests/lab/image/customize"
        echo "$lab_mirror $lab_security_mirror $(dpkg --print-architecture)"
        while read -r authority; do cat "$authority"; done < <(own_authorities)
    } | hash_of | sed "s|^|$lab_images/base-|"
}

image_internet() { { packages_of internet; image_base; } | hash_of | sed "s|^|$lab_images/internet-|"; }

# Layers of a machine, uppermost first, as overlayfs wants them.
image_layers() {
    if [ "$1" = internet ]; then
        echo "$(image_internet):$(image_base)"
    else
        image_base
    fi
}

image_build_base() {
    local image=$1 partial=$1.partial log=$lab_state/log/image-base.log authorities authority
    authorities=$lab_state/authorities
    remove_tree "$partial"
    remove_tree "$authorities"
    mkdir -p "$authorities"
    while read -r authority; do cp "$authority" "$authorities/"; done < <(own_authorities)
    if ! mmdebstrap --mode=root --variant=minbase --include="$(packages_of base | paste -sd,)" \
        --customize-hook="'$lab_root/tests/lab/image/customize' \"\$1\" '$authorities'" bookworm "$partial" \
        "deb $lab_mirror bookworm main" "deb $lab_mirror bookworm-updates main" \
        "deb $lab_security_mirror bookworm-security main" >"$log" 2>&1; then
        show_end_of "$log"
        remove_tree "$partial"
        fail "the base image could not be built" "see $log; another mirror: EELAB_MIRROR=URL EELAB_SECURITY_MIRROR=URL bin/lab up"
    fi
    remove_tree "$authorities"
    mv "$partial" "$image"
}

image_build_internet() {
    local image=$1 base=$2 partial=$1.partial log=$lab_state/log/image-internet.log
    remove_tree "$partial"
    mkdir -p "$partial/upper" "$partial/work" "$partial/root"
    overlay_mount "$base" "$partial"
    # Not booted: no service starts. This computer's own network and nameserver do.
    # shellcheck disable=SC2016,SC2046
    if ! systemd-nspawn --register=no --keep-unit --quiet --as-pid2 --directory="$partial/root" --resolv-conf=replace-host \
        --setenv=DEBIAN_FRONTEND=noninteractive /bin/sh -ec 'apt-get update -q; apt-get install -qy --no-install-recommends "$@"; apt-get clean; rm -rf /var/lib/apt/lists/*' \
        layer $(packages_of internet) >"$log" 2>&1 </dev/null; then
        show_end_of "$log"
        remove_tree "$partial"
        fail "the packages of the machine internet could not be installed" "see $log"
    fi
    umount "$partial/root"
    rm -f "$partial/upper/etc/resolv.conf"
    mv "$partial/upper" "$image"
    remove_tree "$partial"
}

# image_users IMAGE: where overlays are mounted that have it as a layer, the lab's own builds aside. Removing it would empty them.
image_users() {
    awk -v image="$1" -v own="$lab_images/" '$3 == "overlay" && index($2, own) != 1 && $4 ~ ("[=:]" image "[:,]") { print $2 }' /proc/self/mounts
}

# image_remove IMAGE: unless something is mounted over it.
image_remove() {
    local users
    users=$(image_users "$1" | paste -sd' ')
    if [ -n "$users" ]; then
        say "kept $1: it is a layer of what is mounted on $users"
    else
        remove_tree "$1"
    fi
}

# Removes images that this recipe does not use, and what an interrupted build left.
images_prune() {
    local image
    for image in "$lab_images"/base-* "$lab_images"/internet-*; do
        [ -e "$image" ] || continue
        case $image in
            "$(image_base)" | "$(image_internet)") ;;
            *) image_remove "$image" ;;
        esac
    done
}

images_up() {
    local base internet
    base=$(image_base)
    internet=$(image_internet)
    [ -d "$base" ] || step "base image (Debian 12, $(packages_of base | wc -l) packages and what they need)" image_build_base "$base"
    [ -d "$internet" ] || step "layer of the machine internet ($(packages_of internet | paste -sd' '))" image_build_internet "$internet" "$base"
    images_prune
}
