# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From POST /ips to the sender's first message in a mailbox, in the lab, which is brought up and taken down for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ansible_collections.email_engine.fleet.tests.lab import demo

ROOT = Path(__file__).resolve().parents[2]


def seconds() -> tuple[float, float]:
    """What it took, and what the whole of `site.yml` took before it on bare machines."""
    lab = str(ROOT / "bin" / "lab")
    demo.OUT.mkdir(parents=True, exist_ok=True)
    inventory = demo.OUT / "bench_inventory"
    shutil.rmtree(inventory, ignore_errors=True)
    shutil.copytree(ROOT / "inventories" / "lab_engine", inventory)
    subprocess.run([lab, "up", "--fresh"], check=True, stdout=subprocess.DEVNULL)
    try:
        site, _hosts = demo.play("bench_site", "site.yml", inventory)
        result = demo.add_ip_by_api(inventory)
    finally:
        subprocess.run([lab, "down"], check=True, stdout=subprocess.DEVNULL)
    if not result["ok"]:
        raise demo.Failed(f"the sixth sender is not proven: {result}")
    return result["seconds"], site
