"""Which characters of a secret are secret, and how many bits each of them has.

A key begins with what its issuer puts before every key, and has separators in it. Those are public: a page that sees
them has learned nothing, and a server that says "keys begin with sk-ant-api03-" has sent nothing back.
"""

import math
import re
from base64 import urlsafe_b64decode
from typing import Final

import orjson

# What begins a value, issuer by issuer, as their own documentation and the secret scanners' rules have it.
PUBLIC_PREFIXES: Final = (
    # models
    *("sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-ort01-", "sk-ant-sid01-", "sk-ant-"),
    *("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-", "sk-or-v1-", "sk-lf-", "pk-lf-", "sk-", "sess-"),
    *("xai-", "gsk_", "AIzaSy", "AIza", "ya29.", "GOCSPX-", "hf_", "r8_", "pplx-", "tgp_v1_", "fw_", "nvapi-", "csk-"),
    *("tvly-", "jina_", "e2b_", "fc-", "pcsk_", "lsv2_pt_", "lsv2_sk_", "dapi"),
    # code
    *("github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "gloas-"),
    *("npm_", "pypi-AgEIcHlwaS5vcmc", "rubygems_", "dckr_pat_", "dckr_oat_"),
    *(
        "ATATT3xFfGF0",
        "ATCTT3xFfGN0",
        "ATBB",
        "PMAK-",
        "sntrys_",
        "sntryu_",
        "CFPAT-",
        "figd_",
        "lin_api_",
        "ntn_",
        "secret_",
    ),
    # clouds and what runs on them
    *("AKIA", "ASIA", "dop_v1_", "doo_v1_", "dor_v1_", "hvs.", "hvb.", "hvr.", "tskey-auth-", "tskey-api-", "tskey-"),
    *(
        "sbp_",
        "sb_secret_",
        "sb_publishable_",
        "glsa_",
        "glc_",
        "NRAK-",
        "phc_",
        "phx_",
        "AGE-SECRET-KEY-1",
        "SFMyNTY.",
    ),
    # messages, mail and money
    *("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe.xoxp-1-", "xoxe.xoxb-1-", "xoxe-1-", "xapp-1-"),
    *("SG.", "key-", "re_", "whsec_", "shpat_", "shpca_", "shppa_", "shpss_", "pat-na1-", "pat-eu1-", "1//"),
    *("sk_live_", "sk_test_", "pk_live_", "pk_test_", "rk_live_", "rk_test_"),
)
# Public parts inside of values: "OpenAI" in base64, in every key of theirs.
PUBLIC_INFIXES: Final = ("T3BlbkFJ",)
# They part a value into groups (a UUID's) or fill it up, and may be guessed from its other characters.
SEPARATORS: Final = frozenset("-_.:= ")

_PREFIX: Final = re.compile("|".join(map(re.escape, sorted(PUBLIC_PREFIXES, key=len, reverse=True))))
_INFIX: Final = re.compile("|".join(map(re.escape, PUBLIC_INFIXES)))
# A JSON object in base64url, and the point after it: a JWT's header says the algorithm.
_JWT_HEADER: Final = re.compile(r"(ey[0-9A-Za-z_-]+)\.")
_GROUP: Final = re.compile(r"[^-_.:= ]+")
# A group of fewer may be of one kind by chance, in a secret of several.
_LEAST_GROUP: Final = 6
# Letters of one case may be words, which have fewer bits than random letters.
_WORD_BITS: Final = 47 / 15


def own_bits(value: str) -> list[float | None]:
    """How many bits each character of `value` has: None if it is public, 0 for separators, else by its alphabet.

    The alphabet is that of the whole value, or of a longer group between separators: the digits that name an account
    before a `:` tell as much as digits do.
    """
    public = _public(value)
    bits = [None if known else 0.0 for known in public]
    own = "".join(character for character, known in zip(value, public, strict=True) if not known)
    everywhere = _bits_per_character(own)
    for group in _GROUP.finditer(value):
        places = [place for place in range(*group.span()) if not public[place]]
        letters = "".join(value[place] for place in places)
        each = _bits_per_character(letters) if len(letters) >= _LEAST_GROUP else everywhere
        for place in places:
            bits[place] = each
    return bits


def _public(value: str) -> list[bool]:
    public = [False] * len(value)
    if prefix := _PREFIX.match(value):
        public[: prefix.end()] = [True] * prefix.end()
    start = prefix.end() if prefix else 0
    header = _JWT_HEADER.match(value, start)
    if header and _is_json_object(header[1]):
        public[start : header.end()] = [True] * (header.end() - start)
    for infix in _INFIX.finditer(value):
        public[infix.start() : infix.end()] = [True] * len(infix[0])
    return public


def _is_json_object(segment: str) -> bool:
    try:
        return isinstance(orjson.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4))), dict)
    except ValueError:
        return False


def _bits_per_character(text: str) -> float:
    own = set(text) - SEPARATORS
    digits, lower, upper = (any(kind(each) for each in own) for kind in (_is_digit, _is_lower, _is_upper))
    others = {each for each in own if not (each.isascii() and each.isalnum())}
    if not others:
        if digits and re.fullmatch("[0-9a-f]*|[0-9A-F]*", "".join(own)):
            return math.log2(16) if lower or upper else math.log2(10)
        if lower != upper and not digits:
            return _WORD_BITS
    size = 10 * digits + 26 * lower + 26 * upper
    if others:
        size += 2 if others <= {"+", "/"} else 32
    return math.log2(size) if size > 1 else 0.0


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"


def _is_lower(character: str) -> bool:
    return "a" <= character <= "z"


def _is_upper(character: str) -> bool:
    return "A" <= character <= "Z"
