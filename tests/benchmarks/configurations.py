# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of any size that look as an operator's do: providers' rules, reply patterns, bounce categories, comments."""

from __future__ import annotations

ISPS = ("gmail", "microsoft", "yahoo", "orange", "free", "sfr")
HEAD = """\
# The operator's own rules
postmaster ops@example.org
log-file /var/log/pmta/log      # logrotate takes care of it
http-mgmt-port 8080
http-access 127.0.0.1 admin
run-as-root no
<spool /var/spool/pmta>
    deliver-only no
</spool>
<acct-file /var/log/pmta/acct.csv>
    records d,b
    record-fields b *,!orcpt,header_X-Id
    max-size 50M
    move-to /var/log/pmta/done
    move-interval 5m
</acct-file>
"""
ISP = """\
domain-macro {name} {name}.example,
    {name}.example.net,  # the older name
    mail.{name}.example
<domain ${name}>
    max-smtp-out 5
    max-msg-rate 200/h
    smtp-pattern-list {name}-errors
    backoff-max-msg-rate 10/h
    backoff-retry-after 30m,1h,2h
    backoff-to-normal-after 4h
</domain>
"""
VMTA = """\
# Sender {n}, since the spring
<virtual-mta v{n}>
    smtp-source-host 10.{a}.{b}.{c} mail{n}.example.org
    domain-key s1, mail{n}.example.org, /etc/pmta/keys/s1.mail{n}.example.org.pem
    max-smtp-msg-rate {n}/d     # rising
    <domain $gmail>
        max-msg-rate 20/h
        max-smtp-out 1
        retry-after 10m,20m,1h
    </domain>
    <domain $microsoft>
        max-msg-rate 15/h
    </domain>
</virtual-mta>
<virtual-mta-pool p{n}>
    virtual-mta v{n}
</virtual-mta-pool>
"""
ENTRY = "    header from /(^|<)\\s*news@mail{n}\\.example\\.org\\s*>?\\s*$/ virtual-mta=p{n}\n"


def configuration(vmtas: int) -> str:
    """The text of a configuration with so many virtual MTAs; it has no findings of severity error."""
    parts = [HEAD, "<domain *>\n    dkim-sign yes\n    use-starttls yes\n    bounce-after 3d\n</domain>\n"]
    for name in ISPS:
        replies = "".join(
            f"    reply /^4[0-9]{{2}} .* {name} error {code}\\.7\\.{code}/ mode=backoff\n" for code in range(20, 40)
        )
        parts += [f"<smtp-pattern-list {name}-errors>\n{replies}</smtp-pattern-list>\n", ISP.format(name=name)]
    categories = "".join(f"    /^5\\.{code}\\.[0-9]+ \\(no such (user|box)\\)/ bad-mailbox\n" for code in range(40))
    parts.append(f"<bounce-category-patterns>\n{categories}    // other\n</bounce-category-patterns>\n")
    # From a thousand on, so that each has a name of the same length at every size up to nine thousand.
    numbers = range(1000, 1000 + vmtas)
    parts += [VMTA.format(n=n, a=n // 62500, b=n // 250 % 250, c=n % 250 + 1) for n in numbers]
    parts += ["<pattern-list senders>\n", *(ENTRY.format(n=n) for n in numbers), "</pattern-list>\n"]
    parts.append("<source 10.255.0.1>\n    always-allow-relaying yes\n    pattern-list senders\n</source>\n")
    return "".join(parts)
