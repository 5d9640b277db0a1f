# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which route answered a request, for logs and metrics: a path may hold anything, its template holds nothing of a caller's."""

from __future__ import annotations

from starlette.types import Scope


def template(scope: Scope) -> str | None:
    """As the application has it, such as ``/api/v1/ips/{name}``; None where no route answered."""
    # FastAPI's route knows its own part of the path only; the whole is in the context of the routers around it.
    context = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(context or scope.get("route"), "path", None)
