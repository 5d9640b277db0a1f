# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of the linter by name: how severe it is, why it matters and what to do.

Names that start with syntax, unknown, section or argument judge the language; the others judge the meaning. Severity "error" means
that PowerMTA refuses the file, or that mail is lost, unsigned, sent under another name than its own, or open to strangers;
everything that loads and is only unwise is a "warning". A finding may be milder than its rule where the linter cannot be sure.
The rules of the meaning stand beside the code that judges them, in ``judges``.
"""

from __future__ import annotations

from . import host, judges, silence
from .finding import ERROR, WARNING, Rule

_SYNTAX: dict[str, Rule] = {
    "syntax-bom": Rule(
        WARNING,
        "A byte order mark is invisible in an editor and stands before the first directive, which may then not be known by its name.",
        "Save the file as UTF-8 without a byte order mark",
    ),
    "syntax-control-character": Rule(
        ERROR,
        "No configuration holds control characters: the file is damaged, or no text at all.",
        "Is this a text file? Remove the character",
    ),
    "syntax-line-end": Rule(
        ERROR,
        "Only a line feed, alone or after a carriage return, ends a line; all that follows a lone carriage return belongs to the same line.",
        "Save the file with line ends LF or CRLF",
    ),
    "syntax-encoding": Rule(
        ERROR,
        "PowerMTA reads its configuration as UTF-8; bytes that are not make names and patterns that match nothing.",
        "Save the file as UTF-8",
    ),
    "syntax-character": Rule(
        WARNING,
        "Text copied from a web page or a mail brings spaces and quotes that look right and are not: PowerMTA does not separate or"
        " group words by them.",
        "Type the plain character",
    ),
    "syntax-long-line": Rule(
        ERROR, "No configuration line is that long: the file is damaged, or no text at all.", "Is this a text file?"
    ),
    "syntax-tag": Rule(
        ERROR,
        "A section opens with <tag name> on a line of its own; what is no tag opens none, and the lines below it are then judged"
        " at another place.",
        "Write <tag name> on one line of its own",
    ),
    "syntax-tag-line": Rule(
        ERROR,
        "Tags stand alone on their lines; the language has no one-line sections.",
        "A tag stands on a line of its own, each directive on the next",
    ),
    "syntax-closing-tag": Rule(
        WARNING, "A closing tag takes no name; whether PowerMTA accepts one is not documented.", "Write </tag>"
    ),
    "syntax-stray-closing": Rule(
        ERROR,
        "Nothing is open that this tag could close; PowerMTA refuses the file.",
        "Remove it, or add its opening tag",
    ),
    "syntax-crossed": Rule(
        ERROR,
        "Sections nest; one that closes while an inner one is open leaves unclear which lines belong to which.",
        "Close the inner section first",
    ),
    "syntax-unclosed": Rule(
        ERROR, "Without its closing tag a section swallows all that follows; PowerMTA refuses the file.", "Add </tag>"
    ),
    "syntax-brace": Rule(
        ERROR,
        "PowerMTA has no brace blocks. They come from other servers' languages and from invented examples.",
        "Write <tag name> and </tag>",
    ),
    "syntax-equals": Rule(
        ERROR,
        "There is no equals sign between a directive and its value; it would be read as the value.",
        "Write: directive value",
    ),
    "syntax-backslash": Rule(
        ERROR,
        "A backslash does not continue a line; the rest of the list would be read as a directive of its own.",
        "Write the value on one line; only comma lists go on",
    ),
    "syntax-trailing-comma": Rule(
        WARNING,
        "A comma at the end of a line takes the next line into the list. Here nothing follows that could belong to it.",
        "Remove the comma",
    ),
    "syntax-quote": Rule(
        ERROR,
        "A quote that is never closed takes in everything after it, or makes PowerMTA refuse the line.",
        'Close it on the same line; inside quotes write \\" and \\\\',
    ),
    "syntax-regex": Rule(
        ERROR,
        "A regex stands between two slashes; without the second one there is neither a pattern nor a result.",
        "Write /regex/ on one line; a '/' inside as \\/",
    ),
    "syntax-regex-broken": Rule(
        WARNING,
        "Published configurations hold regexes that were broken over several lines by a mail or a web page. What PowerMTA makes of"
        " the line break is not documented.",
        "Write the regex on one line",
    ),
    "syntax-list-below": Rule(
        WARNING,
        "Published configurations hold macros whose list begins on the line below the name. Whether PowerMTA reads on there is not"
        " documented.",
        "Write the list behind the macro's name",
    ),
    "syntax-regex-slash": Rule(
        WARNING,
        "An unescaped slash ends the regex for a strict reader; the rest would be taken for its result.",
        "Write \\/ inside a regex",
    ),
    "comment-swallows": Rule(
        WARNING,
        "# starts a comment anywhere in a line, also inside a value: a password or regex is then silently cut there.",
        "Write \\x23 in a regex; choose a value without '#' elsewhere; put a space before a comment",
    ),
}

_LANGUAGE: dict[str, Rule] = {
    "unknown-directive": Rule(
        ERROR,
        "No edition of the guide and no published configuration knows this name. PowerMTA refuses unknown directives, or ignores"
        " them, and the setting is not in effect either way.",
        "Remove the line, or use the documented name",
    ),
    "unknown-section": Rule(
        ERROR, "PowerMTA has no such section, so none of its lines has an effect.", "Use a documented tag"
    ),
    "unknown-entry": Rule(
        ERROR,
        "The entries of a list have a form of their own; a line of another form matches nothing.",
        "Write an entry of the form this list has",
    ),
    "section-directive": Rule(
        ERROR,
        "The directive exists, but not in this place: PowerMTA reads it only where it is documented.",
        "Move the line to a section that takes it",
    ),
    "section-tag": Rule(ERROR, "The section exists, but not inside this one.", "Move the section"),
    "argument-count": Rule(
        ERROR,
        "The directive takes another number of values. What PowerMTA does with missing or extra words is to refuse the line or to"
        " read less than was meant.",
        "Give the directive the arguments it takes",
    ),
    "argument-value": Rule(
        ERROR,
        "The value does not have the form that the directive takes: PowerMTA refuses the file.",
        "Give the directive the arguments it takes",
    ),
    "argument-name": Rule(ERROR, "Some sections need a name, others take none.", "Name the section as documented"),
    "regex-unchecked": Rule(
        WARNING,
        "PowerMTA's patterns are PCRE. This one holds what only PCRE has, so the linter could judge its structure and no more, and"
        " rules that try patterns on samples left it out.",
        "Try it with pcre2test, or `pmta test config` on a node",
    ),
    "argument-domain-pattern": Rule(
        ERROR,
        "A <domain> tag holds one pattern. With several, none of the domains gets these settings.",
        "Write one domain pattern per tag; group domains with domain-macro NAME a,b and <domain $NAME>",
    ),
    "findings-left-out": Rule(
        WARNING,
        "A report of thousands of lines helps nobody; what is listed is not all there is.",
        "Mend what is listed, then check again",
    ),
    "file-unreadable": Rule(
        ERROR,
        "The file gave no text, so nothing in it was judged. The other files were, and the exit status is 2.",
        "Name a configuration file that can be read",
    ),
    "include-missing": Rule(
        WARNING,
        "The included file could not be read here, so neither it nor what depends on it was judged. Where PowerMTA cannot read it"
        " either, it refuses the configuration.",
        "Check the path; what it holds was not checked",
    ),
    "include-loop": Rule(
        ERROR, "A file that includes itself never ends.", "Remove the include that leads back to its own file"
    ),
    "undocumented": Rule(
        WARNING,
        "The 5.0 guides do not describe the directive, though published configurations hold it: it may be gone in the next version.",
        "It loads in published configurations, but the 5.0 guides do not describe it: test it on your version",
    ),
    "deprecated": Rule(
        WARNING,
        "The guide calls the directive deprecated, or the release notes say that it was removed.",
        "Use the directive that replaced it",
    ),
    "version": Rule(
        WARNING,
        "The directive is known to some versions only; on the others PowerMTA refuses the file.",
        "Check it with `pmta test config` on your version",
    ),
    "duplicate-tag": Rule(
        WARNING,
        "The same section twice: whether the second one is merged with the first or replaces it is not documented.",
        "Merge both sections: whether the second one merges or replaces is not documented",
    ),
    "reserved-name": Rule(
        WARNING,
        "Source names in braces are reserved for PowerMTA's own sources; a later version may give this one a meaning.",
        "Choose a plain name: names that start with { are reserved",
    ),
}

RULES: dict[str, Rule] = {**_SYNTAX, **_LANGUAGE, **silence.RULES, **judges.RULES, **host.RULES}
