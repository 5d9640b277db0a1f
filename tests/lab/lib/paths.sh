# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Removing directories that may carry live mounts: a plain rm -rf there would empty what is mounted.

mounts_below() { awk -v p="$1" '{ gsub(/\\040/, " ", $5) } $5 == p || index($5, p "/") == 1 { print $5 }' /proc/self/mountinfo | sort -r; }

# remove_tree DIR: unmounts what is mounted below, then removes; refuses while anything is still mounted.
remove_tree() {
    local dir=$1 mount
    [ -n "$dir" ] && [ -e "$dir" ] || return 0
    case $dir in
        "$lab_images"/?* | "$lab_state"/?*) ;;
        *) fail "asked to remove $dir, which is not the lab's" "this is a fault of the script: report it" ;;
    esac
    while read -r mount; do
        umount "$mount" 2>/dev/null || umount -l "$mount"
    done < <(mounts_below "$dir")
    if [ -n "$(mounts_below "$dir")" ]; then
        fail "something is still mounted below $dir" "unmount what 'findmnt -R $dir' shows, then repeat"
    fi
    rm -rf --one-file-system "$dir"
}
