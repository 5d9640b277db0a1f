# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus sees: the fleet as the database has it at the moment of the scrape, and the requests of all processes of the API.

Requests are counted by prometheus-client in files that the processes share, so that a scrape, which meets one of them, gets the sum
of all. The files lie in PROMETHEUS_MULTIPROC_DIR, or else in the service's runtime directory, which systemd empties with each start.
Without either, each process counts for itself: right for one process.
"""

from __future__ import annotations

import os
from pathlib import Path

SHARED = "PROMETHEUS_MULTIPROC_DIR"


def _share() -> None:
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    place = os.environ.get(SHARED) or (f"{runtime}/metrics" if runtime else None)
    if place:
        Path(place).mkdir(exist_ok=True)
        os.environ[SHARED] = place


# Before anything here imports prometheus-client, which looks at the variable once.
_share()
