# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerMTA's configuration language: syntax tree, parser, printer, directive table, linter."""

from __future__ import annotations

from .finding import ERROR, WARNING, Finding, Rule  # noqa: F401
from .lint import LintReport, lint, lint_report  # noqa: F401
from .parse import locate, parse  # noqa: F401
from .printer import render, to_text  # noqa: F401
from .tokens import quote, unquote  # noqa: F401
from .tree import Blank, Comment, Config, Directive, Garbage, Node, Section  # noqa: F401
