# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody bent by hand on a running host is named, left alone, and mended by what the lines say. Needs the lab up."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.tests.lab.deployed import TWO, Mail, arrived, converge, send, ssh

pytestmark = pytest.mark.lab

# Everything a comparison could change by mistake.
STATE = (
    "cd /; sha256sum etc/pmta/config etc/pmta/fleet-secrets var/lib/email-engine/*.json 2>/dev/null;"
    " stat -c '%n %a %U %G %Y' etc/pmta/* var/lib/email-engine/*.json;"
    " pmta show queues --paused --maxitems=1000 | cut -d' ' -f1; pmta show disabled sources --maxitems=1000"
)


def drift(expect):
    return converge(playbook="playbooks/drift.yml", expect=expect)


def test_what_was_bent_by_hand_is_named_and_mended():
    converge()
    assert "vps2: in sync" in drift(0)

    mail = Mail(f"<{TWO}>", mail_from="bounce+x=gmail.test@mail2.sos-holidays.test")
    send(mail)
    assert arrived(mail), "and so there is a queue to be paused"
    line = ssh("vps2", "grep -n -m1 max-smtp-msg-rate /etc/pmta/config").strip()
    number, _, wanted = line.partition(":")
    ssh("vps2", f"sed -i '{number}s,[0-9]*/d,77/d,' /etc/pmta/config && pmta reload")
    ssh("vps2", "pmta pause queue gmail.test/vmta-mail2; pmta disable source 198.19.0.3 outlook.test/vmta-mail3")
    before = ssh("vps2", STATE)

    said = drift(2)
    wanted = wanted.split()[1]
    for told in (
        f"/etc/pmta/config:{number}: virtual-mta vmta-mail1: max-smtp-msg-rate wanted {wanted}, found 77/d (file-value)",
        f"virtual MTA vmta-mail1: max-smtp-msg-rate wanted {wanted}, found 77/d (setting-from-file)",
        "gmail.test/vmta-mail2: queue wanted running, found paused (pause-extra)",
        "queue outlook.test/vmta-mail3: source 198.19.0.3 wanted enabled, found disabled",
    ):
        assert told in said, said
    assert "vps2: 4 differences" in " ".join(said.split())
    assert ssh("vps2", STATE) == before, "nothing was changed"

    # The file is right again and was not loaded: that is another thing, with another remedy.
    ssh("vps2", f"sed -i '{number}s,77/d,{wanted},' /etc/pmta/config")
    said = drift(2)
    assert "(setting-not-loaded)" in said and "(file-value)" not in said
    ssh("vps2", f"sed -i '{number}s,[0-9]*/d,77/d,' /etc/pmta/config")

    ssh("vps2", "pmta resume queue gmail.test/vmta-mail2; pmta enable source 198.19.0.3 outlook.test/vmta-mail3")
    converge()
    assert "vps2: in sync" in drift(0)


def test_a_powermta_that_does_not_run_is_not_in_sync():
    ssh("vps2", "systemctl stop pmta")
    try:
        assert "(not-running)" in drift(2)
    finally:
        ssh("vps2", "systemctl start pmta")
