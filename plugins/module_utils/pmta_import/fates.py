# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet does itself, and what it cannot take over: the reasons that a report gives, and the variable that keeps an old value."""

from __future__ import annotations

import re
import typing as t

from .report import DROPPED, REPLACED

#: Signing is the fleet's: without these in `<domain *>` its mail is not signed, or not in the name of its From.
NEEDS: dict[str, object] = {
    "dkim-sign": True,
    "dkim-identity": "strict-from",
    "dkim-headers": "List-Unsubscribe,List-Unsubscribe-Post",
}

_KEYS = "each sender has a key of its own, made on its host"
_MONITOR = "the web monitor is the role's"
_DOOR = "the doors for mail are the role's"
_TEST = "a test server inside the MTA is no part of a platform that sends"

# Global directive -> (verdict, where to set it, why).
GLOBAL: dict[str, tuple[str, str, str]] = {
    "postmaster": (REPLACED, "powermta_postmaster", "the role writes it"),
    "log-file": (REPLACED, "", "the role writes its log to /var/log/pmta/log"),
    "http-mgmt-port": (REPLACED, "powermta_http_port", _MONITOR),
    "http-access": (REPLACED, "powermta_http_access", _MONITOR),
    "smtp-listener": (REPLACED, "powermta_submission_port, powermta_smtp_port", _DOOR),
    "smtp-ip": (REPLACED, "powermta_management_address", _DOOR),
    "smtp-port": (REPLACED, "powermta_submission_port, powermta_smtp_port", _DOOR),
    "smtp-source-host": (REPLACED, "powermta_management_address", "addresses are the fleet's"),
    "smtp-proxy-source-host": (REPLACED, "fleet_tenants", "addresses are the fleet's"),
    "use-proxy": (REPLACED, "fleet_tenants", "addresses are the fleet's"),
    "host-name": (REPLACED, "powermta_management_host_name", "names are the fleet's"),
    "domain-key": (REPLACED, "fleet_tenants", _KEYS),
    "spool": (REPLACED, "", "the role's spool is /var/spool/pmta"),
    "relay-domain": (
        REPLACED,
        "powermta_role_addresses",
        "port 25 takes the role addresses of the fleet's own domains",
    ),
    "relay-address": (
        REPLACED,
        "powermta_role_addresses",
        "port 25 takes the role addresses of the fleet's own domains",
    ),
    "invalid-virtual-mta-fallback": (REPLACED, "fleet_tenants", "what no sender claims is held, and told of"),
    "smtp-server-tls-certificate": (
        REPLACED,
        "powermta_global_settings",
        "it is the old host's certificate; set it anew where feeders use TLS",
    ),
    "http-api-key": (REPLACED, "powermta_global_settings", f"{_MONITOR}; its key is in the vault"),
    "pickup": (DROPPED, "", "whoever writes into that directory sends from any address; feeders hand over by SMTP"),
}
# By the start of the name, after GLOBAL.
GLOBAL_PREFIXES: tuple[tuple[str, tuple[str, str, str]], ...] = (
    ("pickup-", (DROPPED, "", "feeders hand over by SMTP")),
    ("dummy-smtp-", (DROPPED, "", _TEST)),
    ("http-", (REPLACED, "powermta_global_settings", _MONITOR)),
)

# Sections of which nothing is taken over.
SECTIONS: dict[str, tuple[str, str, str]] = {
    "source": (
        REPLACED,
        "powermta_feeder_settings, powermta_inbound_settings",
        "who may hand over mail is in fleet_tenants",
    ),
    "source-group": (REPLACED, "powermta_inbound_settings", "who may hand over mail is in fleet_tenants"),
    "smtp-user": (REPLACED, "fleet_tenants", "feeders that log in are in fleet_tenants"),
    "smtp-listener": (REPLACED, "powermta_submission_port, powermta_smtp_port", _DOOR),
    "pattern-list": (REPLACED, "fleet_tenants", "mail finds its virtual MTA by its sender"),
    "domain-key-list": (REPLACED, "fleet_tenants", _KEYS),
    "aliases": (
        REPLACED,
        "powermta_role_addresses",
        "role addresses of the fleet's domains are forwarded to its operator",
    ),
    "proxy": (REPLACED, "fleet_tenants", "addresses are the fleet's"),
    "vault": (REPLACED, "fleet_tenants", _KEYS),
    "transmissions-api": (REPLACED, "fleet_tenants", "feeders hand over by SMTP"),
    "transmissions-api-listener": (REPLACED, "fleet_tenants", "feeders hand over by SMTP"),
}
# Sections that are carried over whole.
WHOLE = (
    "bounce-processor",
    "feedback-loop-processor",
    "address-list",
    "email-patterns",
    "rewrite-list",
    "dns",
    "acct-file",
    "spool",
    "signals",
    "sparkpost-analytics",
    "signals-filter",
)

_ORIGIN = "it takes out of a message where it came from, which receivers hold against a sender"
# Lines of a <source> that are more than "who may hand over".
SOURCE: dict[str, tuple[str, str, str]] = {
    "hide-message-source": (DROPPED, "", _ORIGIN),
    "remove-received-headers": (DROPPED, "", _ORIGIN),
    "process-x-virtual-mta": (REPLACED, "fleet_tenants", "only a tenant with trusted: true may choose a virtual MTA"),
    "always-allow-relaying": (REPLACED, "fleet_tenants", "feeders of a tenant may relay, nobody else"),
    "always-allow-api-submission": (REPLACED, "fleet_tenants", "feeders hand over by SMTP"),
    "default-virtual-mta": (REPLACED, "fleet_tenants", "what no sender claims is held, and told of"),
    "pattern-list": (REPLACED, "fleet_tenants", "mail finds its virtual MTA by its sender"),
}

# <virtual-mta> and <virtual-mta-pool>.
VIRTUAL: dict[str, tuple[str, str, str]] = {
    "smtp-source-host": (REPLACED, "fleet_tenants", "address and name are a sender's: ip and hostname"),
    "smtp-proxy-source-host": (REPLACED, "fleet_tenants", "addresses are the fleet's"),
    "use-proxy": (REPLACED, "fleet_tenants", "addresses are the fleet's"),
    "proxy-protocol": (REPLACED, "fleet_tenants", "addresses are the fleet's"),
    "host-name": (REPLACED, "fleet_tenants", "the name is a sender's: hostname"),
    "domain-key": (REPLACED, "fleet_tenants", _KEYS),
    "virtual-mta": (REPLACED, "fleet_tenants", "a tenant's senders are its pool"),
    "cold-virtual-mta": (DROPPED, "", "it diverts and does not cap; the fleet's warm-up is policy_phases"),
    "auto-cold-virtual-mta": (DROPPED, "", "it diverts and does not cap; the fleet's warm-up is policy_phases"),
}

# <domain>, wherever it stands.
_OLD_MTA = "it names an old virtual MTA, and would move every sender's mail to one address"
DOMAIN: dict[str, tuple[str, str, str]] = {
    "max-cold-virtual-mta-msg": (DROPPED, "", "it diverts and does not cap; the fleet's warm-up is policy_phases"),
    "reroute-to-virtual-mta": (DROPPED, "", _OLD_MTA),
    "backoff-reroute-to-virtual-mta": (DROPPED, "", _OLD_MTA),
}
# Limits of single addresses, of which none stays; those for every address do.
OLD_ADDRESS = (
    REPLACED,
    "policy_virtual_mta_settings.max-smtp-msg-rate",
    "it limits old addresses; a sender has one address, so limit its virtual MTA, or its receivers in policy_virtual_mta_domains",
)
_EVERY_ADDRESS = frozenset(("0/0", "0.0.0.0/0", "::/0"))


def limits_old_addresses(name: str, values: t.Sequence[str]) -> bool:
    return name.startswith("source-ip-max-") and bool(values) and values[0] not in _EVERY_ADDRESS


def hides_origin(name: str, values: t.Sequence[str]) -> bool:
    """Whether a directive takes the record of a message's way out of it, by its values."""
    said = " ".join(values).lower()
    if name == "add-received-header":
        return said in ("no", "false")
    return name == "remove-header" and "received" in re.split(r"[\s,]+", said)


HIDDEN_ORIGIN = (DROPPED, "", _ORIGIN)
SECOND_KEY = "second-dkim-"

# Outdated name -> (today's name, what to put behind the value).
TRANSLATED = {
    "max-msg-per-hour": ("max-msg-rate", "/h"),
    "backoff-max-msg-per-hour": ("backoff-max-msg-rate", "/h"),
    "421-means-mx-unavailable": ("smtp-421-means-mx-unavailable", ""),
}

# Lines of these may stand more than once in their section; of others the last one counts.
REPEATED = frozenset(
    (
        "source-ip-max-connect-rate",
        "source-ip-max-data-volume-rate",
        "source-ip-max-msg-rate",
        "source-ip-max-smtp-out",
        "name-server",
        "relay-domain",
        "relay-address",
        "ip-connection-limit",
        "mx-connection-limit",
        "remove-header",
    )
)
