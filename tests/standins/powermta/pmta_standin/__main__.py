# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m pmta_standin pmtad|pmta|pmtahttpd ...``: the three programs without an installation."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    program, arguments = sys.argv[1], sys.argv[2:]
    if program == "pmtad":
        from .daemon import main
    elif program == "pmtahttpd":
        from .http import main
    else:
        from .cli import main
    sys.exit(main(arguments))
