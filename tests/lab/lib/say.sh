# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Progress lines and errors.

say() { echo "lab: $*"; }

# fail WHAT REMEDY
fail() {
    printf '\nlab: ERROR: %s\nlab: REMEDY: %s\n' "$1" "$2" >&2
    exit 1
}

# step NAME COMMAND...: one line with the seconds it took. The command's own output goes to fd 1 only if it says something.
step() {
    local name=$1 started=$SECONDS
    shift
    say "$name ..."
    "$@"
    say "$name: done in $((SECONDS - started)) s"
}

# show_end_of LOG: the last lines of a log, for an error message.
show_end_of() {
    echo "lab: end of $1:" >&2
    tail -n "${2:-15}" "$1" | sed 's/^/lab:   /' >&2
}
