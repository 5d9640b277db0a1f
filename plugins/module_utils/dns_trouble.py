# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DNS server's refusal means and what to do about it (RFC 2136 2.2, RFC 8945 5)."""

from __future__ import annotations

from collections.abc import Iterable

from .problems import Problem

TIMEOUT, UNREACHABLE, BROKEN = "timeout", "unreachable", "broken"
REFUSED, NOTAUTH, NOTZONE, SERVFAIL, FORMERR, NOTIMP = "refused", "notauth", "notzone", "servfail", "formerr", "notimp"
BADKEY, BADSIG, BADTIME, UNSIGNED = "badkey", "badsig", "badtime", "unsigned"
CHANGED, DELEGATED, NOT_SERVED, OTHER = "changed", "delegated", "not_served", "other"

_MEANING = {
    TIMEOUT: ("does not answer", "Check its address and port, and that a firewall lets UDP and TCP through"),
    UNREACHABLE: ("cannot be reached", "Check its address and port, and that it runs"),
    BROKEN: ("gives an answer that cannot be read", "Check that a DNS server listens there"),
    REFUSED: (
        "refuses",
        "Allow queries, transfers and updates of this zone to the TSIG key in the server's access list",
    ),
    NOTAUTH: ("says it is not authoritative", "Correct the server's suffixes, or make the zone a primary one there"),
    NOTZONE: ("says a name is not in the zone", "Correct the name, or the server's suffixes"),
    SERVFAIL: ("fails (SERVFAIL)", "Look into the server's log; the zone may be expired or not loaded"),
    FORMERR: ("does not understand the message (FORMERR)", "Look into the server's log"),
    NOTIMP: ("does not know dynamic update (NOTIMP)", "Use a server with RFC 2136, or publish zone files by hand"),
    BADKEY: ("does not know the TSIG key", "Correct key_name and key_algorithm, or add the key to the server"),
    BADSIG: ("does not accept the TSIG signature", "Correct key_secret: the server has another one under this name"),
    BADTIME: ("says the clocks differ", "Synchronise the clock here and on the server (NTP)"),
    UNSIGNED: ("answers a signed message without a signature", "Check the server's TSIG settings"),
    CHANGED: (
        "says the records changed since they were read",
        "Somebody else writes to this zone; look at the new plan with --check --diff and run again",
    ),
    DELEGATED: ("delegates the name to other servers", "List the server that holds the zone, with its suffix"),
    NOT_SERVED: ("does not serve the name", "Correct the server's suffixes, or create the zone there"),
    OTHER: ("gives an unexpected answer", "Look into the server's log"),
}

# The TSIG keys and the address are the server's, not a name's: one failure stands for all.
OF_SERVER = frozenset({TIMEOUT, UNREACHABLE, BROKEN, BADKEY, BADSIG, BADTIME, UNSIGNED})
# These concern the zone a name lies in: for an optional name they only mean that it is somebody else's.
NOT_OURS = frozenset({REFUSED, NOTAUTH, DELEGATED, NOT_SERVED})

_RCODES = {1: FORMERR, 2: SERVFAIL, 4: NOTIMP, 5: REFUSED, 6: CHANGED, 7: CHANGED, 8: CHANGED, 9: NOTAUTH, 10: NOTZONE}


def kind_of_rcode(rcode: int) -> str:
    """The kind of trouble a response code stands for. 3 (NXDOMAIN) answers an update whose prerequisite name is
    gone."""
    return CHANGED if rcode == 3 else _RCODES.get(rcode, OTHER)


def explain(kind: str, server: str, action: str, names: Iterable[str] = (), detail: str = "") -> Problem:
    """A problem for the operator. server: its name and address; action: what was asked of it; names: what it
    concerns."""
    what, remedy = _MEANING[kind]
    concerned = list(dict.fromkeys(names))
    shown = ", ".join(concerned[:5]) + (f" and {len(concerned) - 5} more" if len(concerned) > 5 else "")
    note = f" ({detail})" if detail else ""
    return Problem(f"server {server}", f"{what} when asked to {action}{note}" + (f": {shown}" if shown else ""), remedy)
