# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public halves of RSA keys without a library; the cryptography package and openssl's own files are the judges."""

from __future__ import annotations

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import rsa as ours

PKCS1, PKCS8 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
SPKI, BARE = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1
KEYS = {bits: rsa.generate_private_key(65537, bits) for bits in (1024, 1536, 2048)}


def pem(key, form=PKCS8, password=None):
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


def published(key, form=SPKI):
    return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, form)).decode()


@pytest.mark.parametrize("bits", KEYS)
@pytest.mark.parametrize("form", [PKCS1, PKCS8])
def test_both_forms_of_both_halves_are_one_key(bits, form):
    key = KEYS[bits]
    numbers = key.public_key().public_numbers()
    public = ours.public_of_private(pem(key, form))
    assert (public.modulus, public.exponent, public.bits) == (numbers.n, numbers.e, bits)
    assert public == ours.public_of_base64(published(key)) == ours.public_of_base64(published(key, BARE))
    assert public != ours.public_of_base64(published(rsa.generate_private_key(65537, 1024)))


def test_text_around_and_line_ends_do_not_matter():
    key = KEYS[2048]
    text = "Bag Attributes\n" + pem(key).replace("\n", "\r\n") + "trailing\n"
    assert ours.public_of_private(text).modulus == key.public_key().public_numbers().n


def test_the_files_of_openssl(tmp_path):
    path = tmp_path / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", path, "1024"], check=True, capture_output=True)
    text = subprocess.run(["openssl", "rsa", "-in", path, "-noout", "-modulus"], check=True, capture_output=True).stdout
    assert f"{ours.public_of_private(path.read_text()).modulus:X}" == text.decode().strip().partition("=")[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no private key"),
        ("nothing of the kind", "no private key"),
        (pem(KEYS[1024], PKCS1, b"secret"), "encrypted"),
        (pem(KEYS[1024], PKCS8, b"secret"), "encrypted"),
        (pem(ec.generate_private_key(ec.SECP256R1()), PKCS8), "RSA only"),
        (pem(ec.generate_private_key(ec.SECP256R1()), PKCS1), "no RSA key"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "RSA only"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "a public key"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a certificate"),
        ("-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n", "base64"),
        ("-----BEGIN PRIVATE KEY-----\n\u00e9\n-----END PRIVATE KEY-----\n", "base64"),
        ("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", "damaged"),
        ("-----BEGIN PRIVATE KEY-----\n" + "AAAA\n" * 5, "no private key"),
    ],
)
def test_what_is_no_key_is_named(text, said):
    with pytest.raises(ValueError, match=said):
        ours.public_of_private(text)


@pytest.mark.parametrize("text", ["", "AAAA", "####", published(KEYS[1024])[:-40], "MAA="])
def test_damaged_records_are_refused(text):
    with pytest.raises(ValueError, match="."):
        ours.public_of_base64(text)


def test_a_record_for_another_kind_of_key_is_refused():
    with pytest.raises(ValueError, match="no RSA key"):
        ours.public_of_base64(published(ec.generate_private_key(ec.SECP256R1())))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1600), st.integers(0, 255), st.integers(0, 1600))
def test_damage_is_an_error_in_words_that_show_nothing(at, byte, cut):
    whole = pem(KEYS[2048], PKCS1)
    data = bytearray(whole.encode())
    data[at % len(data)] = byte
    text = data[: max(cut, 1)].decode("latin-1") if cut % 3 == 0 else data.decode("latin-1")
    try:
        ours.public_of_private(text)
    except ValueError as error:
        assert error.__cause__ is None and not any(line in str(error) for line in whole.splitlines()[1:-1])
