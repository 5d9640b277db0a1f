# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Where an operator would put the vendor's package and licence, the lab puts its stand-ins.

standins_up() {
    local dir=$lab_state/powermta
    mkdir -p "$dir"
    "$lab_root/tests/standins/powermta/build" "$dir/powermta_5.0r8-standin_all.deb.new" >/dev/null ||
        fail "the PowerMTA stand-in could not be built" "see the message above"
    # The build gives the same bytes for the same sources, so an unchanged package is not installed again.
    mv "$dir/powermta_5.0r8-standin_all.deb.new" "$dir/powermta_5.0r8-standin_all.deb"
    install -m 0640 "$lab_root/tests/standins/powermta/license.sample" "$dir/license"
}
