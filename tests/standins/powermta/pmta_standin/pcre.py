# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Perl-compatible regular expressions through the system's libpcre2-8, because the product's patterns are PCRE, not Python's."""

from __future__ import annotations

import ctypes
import weakref

CASELESS = 0x00000008
_LIB = ctypes.CDLL("libpcre2-8.so.0")
_V = ctypes.c_void_p
_LIB.pcre2_compile_8.restype = _V
_LIB.pcre2_compile_8.argtypes = [
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_uint32,
    ctypes.POINTER(ctypes.c_int),
    ctypes.POINTER(ctypes.c_size_t),
    _V,
]
_LIB.pcre2_match_data_create_8.restype = _V
_LIB.pcre2_match_data_create_8.argtypes = [ctypes.c_uint32, _V]
_LIB.pcre2_match_8.argtypes = [_V, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_uint32, _V, _V]
_LIB.pcre2_get_error_message_8.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
_LIB.pcre2_code_free_8.argtypes = [_V]
_LIB.pcre2_match_data_free_8.argtypes = [_V]


class PatternError(ValueError):
    """The regular expression does not compile; the text is PCRE's own."""


class Pattern:
    """One compiled pattern: unanchored, case-insensitive unless the pattern says ``(?-i)``."""

    def __init__(self, text: str) -> None:
        self.text = text
        raw = text.encode()
        error, offset = ctypes.c_int(), ctypes.c_size_t()
        self._code = _LIB.pcre2_compile_8(raw, len(raw), CASELESS, ctypes.byref(error), ctypes.byref(offset), None)
        if not self._code:
            said = ctypes.create_string_buffer(256)
            _LIB.pcre2_get_error_message_8(error, said, 256)
            raise PatternError(f"{said.value.decode()} at offset {offset.value}")
        weakref.finalize(self, _LIB.pcre2_code_free_8, self._code)

    def search(self, subject: str | bytes) -> bool:
        raw = subject if isinstance(subject, bytes) else subject.encode("utf-8", "surrogateescape")
        data = _LIB.pcre2_match_data_create_8(1, None)
        try:
            return _LIB.pcre2_match_8(self._code, raw, len(raw), 0, 0, data, None) >= 0
        finally:
            _LIB.pcre2_match_data_free_8(data)

    def __repr__(self) -> str:
        return f"/{self.text}/"
