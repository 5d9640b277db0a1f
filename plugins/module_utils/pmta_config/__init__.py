"""PowerMTA's configuration language: syntax tree, parser, printer, directive table, linter."""

from __future__ import annotations

from .finding import ERROR, WARNING, Finding  # noqa: F401
from .lint import lint  # noqa: F401
from .parse import locate, parse  # noqa: F401
from .printer import render, to_text  # noqa: F401
from .tokens import quote, unquote  # noqa: F401
from .tree import Blank, Comment, Config, Directive, Garbage, Node, Section  # noqa: F401
