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
    mailwizz_archives_up
}

# Both forms in which operators have the product: the vendor's zip, and a copy of a server.
mailwizz_archives_up() {
    local dir=$lab_state/mailwizz name
    remove_tree "$dir/build"
    install -d -m 0700 "$dir/build"
    "$lab_root/tests/standins/mailwizz/build" "$dir/build" >/dev/null ||
        fail "the MailWizz stand-in could not be built" "see the message above"
    for name in mailwizz-2.1.13-standin.zip mailwizz-prod-standin.tar.gz; do
        # The same bytes for the same sources: what is there stays.
        cmp -s "$dir/build/$name" "$dir/$name" || install -m 0640 -o "${EELAB_OWNER:-root}" "$dir/build/$name" "$dir/$name"
    done
    remove_tree "$dir/build"
}
