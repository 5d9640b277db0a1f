# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as RFC 9457 problem documents: what is wrong, where, and the remedy."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.joining import Invalid
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from email_engine.redaction import Redactor

log = logging.getLogger(__name__)
_redactor = Redactor()
#: Of a text that a person writes and the log keeps for ever.
WithoutSecrets = AfterValidator(_redactor.text)
MEDIA_TYPE = "application/problem+json"
# Deadlock, serialization failure: one of two had to give way.
_OVERTAKEN = ("40P01", "40001")
PROBLEM = {
    "type": "object",
    "description": "RFC 9457. Further members are named where they occur.",
    "required": ["type", "status", "title", "detail"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string", "description": "What is wrong, in the same words for every such case."},
        "detail": {"type": "string", "description": "This case."},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "Each fault by itself."},
    },
}


class Refusal(Exception):
    """An answer other than success. title: what is wrong, for every such case the same. detail: this case. more: further members."""

    def __init__(self, status: int, title: str, detail: str, headers: dict[str, str] | None = None, **more: Any):
        super().__init__(detail)
        self.status, self.title, self.detail, self.headers, self.more = status, title, detail, headers, more


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """The answer that says so. more: further members. What was given may be quoted in it, and may be a secret in the wrong place."""
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail, **more}
    return JSONResponse(_redactor.value(body), status, headers, MEDIA_TYPE)


def _invalid(_request: Request, fault: RequestValidationError) -> JSONResponse:
    # Never the input itself: it may hold a secret.
    errors = [{"where": ".".join(str(part) for part in one["loc"]), "what": one["msg"]} for one in fault.errors()]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors)
    return problem(422, "The request is not valid", detail, errors=errors)


def _conflict(_request: Request, fault: IntegrityError) -> JSONResponse:
    name = getattr(getattr(fault.orig, "diag", None), "constraint_name", None) or "unknown"
    detail = f"the change would break the rule {name}: somebody else holds that address, name or mailbox"
    return problem(409, "The change conflicts with what is there", detail, rule=name)


def _unstorable(_request: Request, _fault: DataError) -> JSONResponse:
    # The database's message holds the value, which may be anything.
    return problem(422, "The request is not valid", "a number is out of range, or a text holds a NUL character")


def _away(request: Request, fault: DBAPIError | PoolTimeout) -> JSONResponse:
    state = getattr(getattr(fault, "orig", None), "sqlstate", None)
    if state in _OVERTAKEN:
        request.state.again = True
        return problem(409, "Somebody else was faster", "two changes met: try again", {"Retry-After": "1"})
    # Never the database's message: it may hold a value.
    log.error("The database is away: %s", state or type(getattr(fault, "orig", None) or fault).__name__)
    detail = "the database does not answer, or not in time: try again"
    return problem(503, "The engine cannot work now", detail, {"Retry-After": "5"})


def install(app: FastAPI) -> None:
    """Every error of *app* becomes a problem document."""

    @app.exception_handler(Refusal)
    def refused(_request: Request, fault: Refusal) -> JSONResponse:
        return problem(fault.status, fault.title, fault.detail, fault.headers, **fault.more)

    @app.exception_handler(FleetError)
    def not_a_fleet(_request: Request, fault: FleetError) -> JSONResponse:
        errors = [{"where": one.where, "what": one.what, "remedy": one.remedy} for one in fault.problems]
        if isinstance(fault, Invalid):
            return problem(422, "The request is not valid", str(fault), errors=errors)
        return problem(409, "The fleet cannot be so", str(fault), errors=errors)

    @app.exception_handler(StaleDataError)
    def stale(_request: Request, _fault: StaleDataError) -> JSONResponse:
        return problem(409, "Somebody else was faster", "the row changed meanwhile: read it again, then decide")

    @app.exception_handler(HTTPException)
    def http(_request: Request, fault: HTTPException) -> JSONResponse:
        return problem(fault.status_code, str(fault.detail), str(fault.detail), dict(fault.headers or {}))

    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(IntegrityError, _conflict)
    app.add_exception_handler(DataError, _unstorable)
    for fault in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(fault, _away)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        """FastAPI documents its own form of errors, which never leaves this application."""
        if app.openapi_schema is None:
            document = described()
            document["components"]["schemas"] = {
                name: schema
                for name, schema in document["components"]["schemas"].items()
                if name not in ("HTTPValidationError", "ValidationError")
            } | {"Problem": PROBLEM}
            answer = {
                "description": "Refused",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            for operations in document["paths"].values():
                for operation in operations.values():
                    kept = {status: one for status, one in operation["responses"].items() if not status.startswith("4")}
                    operation["responses"] = {**kept, "4XX": answer, "503": answer}
        return app.openapi_schema

    app.openapi = openapi
