# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 4 of the reference, line by line: each invalid form is refused, each right form is accepted."""

from __future__ import annotations

import pytest
from pmta_standin.errors import ConfigError
from world import BASE, RELAY

VMTA = """<virtual-mta vmta-mail1>
    smtp-source-host 127.0.0.5 mail1.sos-holidays.com
</virtual-mta>
"""


def inside(tag: str, line: str) -> str:
    return f"<{tag}>\n    {line}\n</{tag.split()[0]}>\n"


REFUSED = {
    "brace block": "virtual-mta vmta-domain1 {\n    host-name a.b\n}\n",
    "brace block with tag": "<virtual-mta vmta-domain1> {\n}\n",
    "host before address": inside("virtual-mta v", "smtp-source-host mail1.domain1.com 127.0.0.5"),
    "four fields in domain-key": inside(
        "virtual-mta v", "domain-key sos-holidays.com,mail1.sos-holidays.com,*,/etc/pmta/dkim/mail1.pem"
    ),
    "several patterns in domain": inside("domain outlook.com hotmail.com live.com", "max-smtp-out 1"),
    "address in pattern-list": VMTA + inside("pattern-list p", "contact@mail1.sos-holidays.com   vmta-mail1"),
    "virtual-mta-pool-map": inside("domain *", "virtual-mta-pool-map sender-to-vmta"),
    "listener block": "smtp-listener 0.0.0.0:2525 {\n}\n",
    "listen-on-tcp": "listen-on-tcp yes\n",
    "process-x-virtual-mta in a listener": inside("smtp-listener 127.0.0.1:2525", "process-x-virtual-mta yes"),
    "process-x-virtual-mta global": "process-x-virtual-mta yes\n",
    "process-x-sender": inside("source 10.0.0.1", "process-x-sender yes"),
    "weight": VMTA + inside("virtual-mta-pool p", "virtual-mta vmta-mail1 weight 100"),
    "default-virtual-mta-pool": VMTA + inside("source 10.0.0.1", "default-virtual-mta-pool vmta-mail1"),
    "records all": inside("acct-file /var/log/pmta/acct.csv", "records all"),
}

ACCEPTED = {
    "virtual-mta": "<virtual-mta v>\n</virtual-mta>\n",
    "source host": inside("virtual-mta v", "smtp-source-host 127.0.0.5 mail1.domain1.com"),
    "domain-key": inside("virtual-mta v", "domain-key s1,domain1.com,/etc/pmta/dkim/mail1.pem"),
    "domain-key, spaces": inside("virtual-mta v", "domain-key s1, domain1.com, /etc/pmta/dkim/mail1.pem"),
    "domain-key with wrong meaning still parses": inside(
        "virtual-mta v", "domain-key domain1.com,*,/etc/pmta/dkim/mail1.pem"
    ),
    "dkim-sign": inside("domain *", "dkim-sign yes"),
    "domain in virtual-mta": "<virtual-mta v>\n<domain *>\nmax-smtp-out 1\n</domain>\n</virtual-mta>\n",
    "macro": "domain-macro ms outlook.com,hotmail.com,live.com\n" + inside("domain $ms", "max-smtp-out 1"),
    "require-starttls": inside("domain *", "require-starttls yes"),
    "cold list": inside("domain *", "max-cold-virtual-mta-msg 50/day"),
    "max-smtp-msg-rate": inside("virtual-mta v", "max-smtp-msg-rate 50/d"),
    "max-msg-rate": inside("domain *", "max-msg-rate 100/h"),
    "pattern-list": VMTA
    + inside("pattern-list p", r"mail-from /^contact@mail1\.sos-holidays\.com$/ virtual-mta=vmta-mail1")
    + inside("source 10.0.0.1", "pattern-list p"),
    "listener": "smtp-listener 0.0.0.0:2525\n",
    "listener 0/0": "smtp-listener 0/0:2525\n",
    "listener tag": "<smtp-listener 0/0:2525>\n</smtp-listener>\n",
    "process-x-virtual-mta": inside("source 10.0.0.1", "process-x-virtual-mta yes"),
    "pool": VMTA + inside("virtual-mta-pool p", "virtual-mta vmta-mail1"),
    "pool as default": VMTA
    + inside("virtual-mta-pool p", "virtual-mta vmta-mail1")
    + inside("source 10.0.0.1", "default-virtual-mta p"),
    "acct-file": "<acct-file /var/log/pmta/acct.csv>\n    max-size 50M\n    records d,b\n</acct-file>\n",
    "http": "http-mgmt-port 1983\nhttp-access 127.0.0.1 admin\n",
    "deprecated spool line": "spool /var/lib/pmta\n",
}

WHOLE = r"""postmaster ops@example.com
log-file /var/log/pmta/log
http-mgmt-port 1983
http-access 127.0.0.1 admin
run-as-root yes
<spool /var/spool/pmta>
</spool>
<acct-file /var/log/pmta/acct.csv>
    records d,b
    max-size 50M
</acct-file>
<domain *>
    dkim-sign yes
    dkim-identity strict-from
    use-starttls yes
</domain>
<virtual-mta vmta-mail1>
    smtp-source-host 127.0.0.5 mail1.sos-holidays.com
    domain-key s1,mail1.sos-holidays.com,/etc/pmta/dkim/mail1.pem
    max-smtp-msg-rate 50/d
</virtual-mta>
<virtual-mta unrouted-client1>
</virtual-mta>
<virtual-mta-pool client1-pool>
    virtual-mta vmta-mail1
</virtual-mta-pool>
<pattern-list client1-senders>
    header from /(^|<)\s*contact@mail1\.sos-holidays\.com\s*>?\s*$/ virtual-mta=vmta-mail1
</pattern-list>
smtp-listener 0/0:2525
<source 89.167.2.10>
    always-allow-relaying yes
    pattern-list client1-senders
    default-virtual-mta unrouted-client1     # a held VMTA
</source>
<source 0/0>
    always-allow-relaying no
</source>
"""


@pytest.mark.parametrize("name", REFUSED)
def test_refused(root, name: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        root.load(BASE + RELAY + REFUSED[name])
    assert str(refusal.value).startswith("Error in line ")


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(root, name: str) -> None:
    root.load(BASE + RELAY + ACCEPTED[name])


def test_the_corrected_whole(root) -> None:
    config = root.load(WHOLE)
    assert config.setting("gmail.com", "vmta-mail1", "dkim-identity") == "strict-from"
    assert config.source("89.167.2.10")["default-virtual-mta"] == "unrouted-client1"
    assert config.source("1.2.3.4") == {"always-allow-relaying": False}
