# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that make a host bind its addresses at boot and keep them: the program, its start script and two systemd units."""

from __future__ import annotations

import typing as t

# Copied to the host as they are; ``keeper`` comes last and imports the others.
PROGRAM = ("__init__", "host", "record", "reconcile", "arp", "keeper")

_LIBRARY = "/usr/local/lib/email-engine"
_COMMAND = "/usr/local/sbin/email-engine-addresses"
_UNITS = "/etc/systemd/system"
BOOT = "email-engine-addresses.service"
WATCH = "email-engine-addresses-watch.service"

_HEADER = "# Written by email_engine.fleet.pmta_addresses; changes here are overwritten.\n"

_START = f"""#!/usr/bin/python3
{_HEADER}import os
import sys

# Found beside this file, not at a fixed place: an image is filled before it is booted.
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib", "email-engine"))

from fleet_addresses.keeper import main

sys.exit(main())
"""

# After network-online: whatever configures the network (ifupdown, networkd, netplan, NetworkManager) is done by then, so it is not
# raced and needs no configuration of ours. Before pmta: it never starts without its addresses, but it does start when one fails.
_BOOT_UNIT = f"""{_HEADER}[Unit]
Description=Bind the sending addresses
Documentation=man:ip-address(8)
Wants=network-online.target
After=network-online.target
Before=pmta.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={_COMMAND} apply

[Install]
WantedBy=multi-user.target
"""

# systemd-networkd drops addresses it does not know when it restarts and on "networkctl reconfigure". The second is no event that
# systemd could order a unit by, and after the first it drops them only once the link is configured again, so PartOf= would act too
# early. The kernel's own notification is the one signal that covers both, and a cable that was pulled, too.
_WATCH_UNIT = f"""{_HEADER}[Unit]
Description=Bind the sending addresses again when something took them away
Documentation=man:rtnetlink(7)
After={BOOT}

[Service]
Type=exec
ExecStart={_COMMAND} watch
Restart=always
RestartSec=2
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/etc/email-engine
ProtectHome=yes
PrivateTmp=yes
RestrictAddressFamilies=AF_NETLINK AF_PACKET AF_INET AF_UNIX

[Install]
WantedBy=multi-user.target
"""


def files(sources: t.Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """``{path: (text, mode)}`` of everything to install. sources: the text of each part of PROGRAM, by its name."""
    found = {f"{_LIBRARY}/fleet_addresses/{name}.py": (sources[name], 0o644) for name in PROGRAM}
    found[_COMMAND] = (_START, 0o755)
    found[f"{_UNITS}/{BOOT}"] = (_BOOT_UNIT, 0o644)
    found[f"{_UNITS}/{WATCH}"] = (_WATCH_UNIT, 0o644)
    return found


def links() -> dict[str, str]:
    """``{path: target}``: both units enabled, as ``systemctl enable`` would, also where no systemd runs yet."""
    return {f"{_UNITS}/multi-user.target.wants/{unit}": f"{_UNITS}/{unit}" for unit in (BOOT, WATCH)}
