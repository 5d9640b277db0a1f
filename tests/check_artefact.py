# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges a built collection: nothing in it that the repository does not hold, none of what stays at home, nothing forgotten.

Usage: check_artefact.py ARTEFACT FILE_WITH_THE_REPOSITORY'S_PATHS
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

MADE_BY_THE_BUILD = {"MANIFEST.json", "FILES.json"}
STAYS = (
    "tests/",
    "bin/",
    "molecule/",
    "inventories/lab/",
    "inventories/lab_engine/",
    "inventories/lab_mailwizz/",
    "engine/tests/",
    ".ci/",
    ".venv/",
    "build/",
    "requirements/dev.txt",
)
SHIPS = (
    "engine/email_engine/",
    "engine/pyproject.toml",
    "engine/requirements.lock",
    "plugins/",
    "roles/",
    "playbooks/",
    "meta/",
    "docs/",
    "inventories/example/",
    "changelogs/",
)


def faults(packed: set[str], known: set[str]) -> list[str]:
    """One line for each path that is packed and should not be, or should be and is not."""
    found = [f"packed, not in the repository: {path}" for path in sorted(packed - known - MADE_BY_THE_BUILD)]
    found += [f"packed, should stay: {path}" for path in sorted(packed) if path.startswith(STAYS)]
    found += [f"not packed: {path}" for path in sorted(known - packed) if path.startswith(SHIPS)]
    return found


def main(artefact: str, listing: str) -> int:
    with tarfile.open(artefact) as archive:
        packed = {member.name for member in archive.getmembers() if not member.isdir()}
    known = set(Path(listing).read_text(encoding="utf-8").split("\n")) - {""}
    found = faults(packed, known)
    print("\n".join(found) or f"{len(packed)} files packed, all of them the repository's")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
