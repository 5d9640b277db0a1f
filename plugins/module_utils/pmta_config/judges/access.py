# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may hand in mail, and who sees the web monitor."""

from __future__ import annotations

from ...relaying import address_pattern_fault, domain_pattern_fault, is_private, network_fault
from .. import values
from ..facts import Facts, around_name, at, on
from ..finding import ERROR, WARNING, Report, Rule

MOST_CONNECTIONS = 200

RULES = {
    "open-relay": Rule(
        ERROR,
        "Strangers could send through this server. It is found within hours, and its addresses are listed the same day.",
        "Allow relaying in <source> of the feeders' addresses only, or require-auth true",
    ),
    "http-access-open": Rule(
        ERROR,
        "The web monitor shows addresses and logs and can administer the server; open to everybody it is read by everybody. The"
        " level monitor, which gives no commands, is a warning.",
        "Limit http-access to the addresses of your operators",
    ),
    "auth-clear-text": Rule(
        WARNING,
        "PLAIN and LOGIN without TLS show the password to everybody on the way; with it a stranger relays as your feeder.",
        "Set allow-unencrypted-plain-auth no, with allow-starttls yes and a certificate; or allow it to private networks only",
    ),
    "source-unreferenced": Rule(
        WARNING,
        "A source that has a name instead of an address is used only where a listener or an SMTP user names it. Nothing names this"
        " one, so none of its lines has an effect.",
        "Name it in smtp-listener ADDRESS:PORT source=NAME or in <smtp-user>, give it an address instead, or remove it",
    ),
    "http-csrf-off": Rule(
        WARNING,
        "Without the protection any web page that an operator looks at can give commands to the server.",
        "Remove the line; scripts use POST with the X-API-Key header",
    ),
    "http-clear-text": Rule(
        WARNING,
        "Over plain HTTP the API key and the logs are readable on the way.",
        "Remove http-redirect-to-https no, or allow http-access from this host only",
    ),
    "runs-as-root": Rule(
        WARNING,
        "run-as-root is on by default: a hole in the web monitor or in a parser is then a hole in the whole host. Port 25 works"
        " without it.",
        "Add run-as-root no (needs a restart; spool, logs and keys must belong to pmta)",
    ),
    "licence-connections": Rule(
        WARNING,
        "A standard licence caps outbound connections at 200, an enterprise licence at 1200 by default, whatever the configuration"
        " says.",
        "Check `pmta show license`; set total-max-smtp-out to what it allows",
    ),
}


def judge(facts: Facts, report: Report) -> None:
    relaying(facts, report)
    recipients(facts, report)
    clear_text(facts, report)
    unreferenced(facts, report)
    web_access(facts, report)
    monitor(facts, report)
    process(facts, report)


def relaying(facts: Facts, report: Report) -> None:
    """Nobody relays for strangers: neither <source 0/0> nor a source that a listener hands out to whoever connects."""
    authenticated = {around_name(setting.around) for setting in facts.of("require-auth") if on(setting)}
    listened: dict[str, str] = {}
    for where, name, _place in facts.listeners:
        bound = values.network(where.rpartition(":")[0])
        if bound is None or not bound.is_loopback:
            listened.setdefault(name.lower(), where)
    for setting in facts.of("always-allow-relaying"):
        name = around_name(setting.around)
        if not on(setting) or name in authenticated:
            continue
        network = values.network(name)
        wide = network_fault(network) if network is not None else None
        if wide:
            report("open-relay", setting.place, f"<source {name}> {wide}")
        elif name in listened:
            report(
                "open-relay",
                setting.place,
                f"whoever reaches {listened[name]} gets this source, and may relay to anywhere",
            )


def recipients(facts: Facts, report: Report) -> None:
    """What is taken from everybody is for known domains only."""
    for name, judged in (("relay-domain", domain_pattern_fault), ("relay-address", address_pattern_fault)):
        for setting in facts.of(name):
            word = " ".join(setting.directive.values)
            wide = judged(word.lower() if judged is domain_pattern_fault else word)
            if wide:
                report("open-relay", setting.place, f"{name} {word[:60]} {wide}", f"Name your own domains in {name}")


def clear_text(facts: Facts, report: Report) -> None:
    """Passwords that networks of others can read."""
    for source in facts.held("source"):
        if source.yes("allow-unencrypted-plain-auth"):
            network = values.network(source.name)
            if network is not None and not is_private(network):
                report(
                    "auth-clear-text",
                    at(source.last("allow-unencrypted-plain-auth")),
                    f"whoever logs in from {source.node.value} may send the password in clear text",
                )


def unreferenced(facts: Facts, report: Report) -> None:
    """Sources that only a name could lead to, and none does."""
    if not facts.whole or not facts.complete:
        return
    used = {use.name.lower() for use in facts.uses if use.kind == "source"}
    for source in facts.held("source"):
        # In braces: PowerMTA's own, or one that a version knows and we do not.
        if source.name[:1] not in ("", "{") and source.name not in used and values.network(source.name) is None:
            report("source-unreferenced", source.place, f"nothing names the source {source.node.value!r}")


def web_access(facts: Facts, report: Report) -> None:
    """The web monitor shows addresses and logs, and can administer."""
    for setting in facts.of("http-access"):
        args = setting.directive.values
        if len(args) < 2 or args[0].rpartition("/")[2] != "0" or values.network(args[0]) is None:
            continue
        level = args[1].lower()
        if level != "none":
            # Who only reads sees addresses and logs; the other levels give commands.
            report(
                "http-access-open",
                setting.place,
                f"the web monitor is open to everybody ({args[1]})",
                severity=WARNING if level.startswith("monitor") else None,
            )


def monitor(facts: Facts, report: Report) -> None:
    """The web monitor's protections, where others than this host may open it."""
    for name, rule, told in (
        ("http-csrf-protection", "http-csrf-off", "web pages can give commands"),
        ("http-redirect-to-https", "http-clear-text", "the web monitor is read over plain HTTP"),
    ):
        line = facts.top.last(name)
        reached = _reached(facts) if line is not None and not facts.top.yes(name) else None
        if reached:
            report(rule, at(line), f"{told}, from {reached} for example")


def _reached(facts: Facts) -> str | None:
    """A network other than this host that may open the web monitor."""
    for line in facts.top.all("http-access"):
        words = line[1].values
        if len(words) > 1 and words[1].lower() != "none":
            network = values.network(words[0])
            if network is not None and not network.is_loopback:
                return words[0]
    return None


def process(facts: Facts, report: Report) -> None:
    line = facts.top.last("run-as-root")
    if line is not None:
        if facts.top.yes("run-as-root"):
            report("runs-as-root", at(line), "PowerMTA keeps root's rights")
    else:
        port = facts.top.last("http-mgmt-port")
        if port is not None and port[1].values[0] != "0" and facts.whole and facts.complete:
            report(
                "runs-as-root",
                at(port),
                "run-as-root is on by default, and so the web monitor's server keeps root's rights",
            )
    line = facts.top.last("total-max-smtp-out")
    if line is not None and values.integer(line[1].values[0]) is None and int(line[1].values[0][:9]) > MOST_CONNECTIONS:
        report(
            "licence-connections", at(line), f"{line[1].values[0]} connections are more than a standard licence allows"
        )
