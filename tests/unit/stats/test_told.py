"""The text for Prometheus, by the grammar of its exposition format (text, version 0.0.4)."""

import json
import re

from longwire.stats.counting import Counting
from longwire.stats.told import as_json, as_prometheus
from tests.unit.stats.samples import ended

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_HELP = re.compile(rf"# HELP ({_NAME}) [^\n]*")
_TYPE = re.compile(rf"# TYPE ({_NAME}) (counter|gauge|histogram|summary|untyped)")
_SAMPLE = re.compile(
    rf"({_NAME})(?:\{{((?:{_LABEL})(?:,(?:{_LABEL}))*)\}})? (NaN|[+-]?(?:[0-9.]+(?:e[+-]?[0-9]+)?|Inf))"
)


def parsed(text: str) -> dict[str, float]:
    """Each sample by its name and labels; every rule of the format that the text could break is looked at."""
    assert text.endswith("\n")
    samples: dict[str, float] = {}
    families: dict[str, str] = {}
    family = ""
    for line in text.removesuffix("\n").split("\n"):
        if (match := _HELP.fullmatch(line)) is not None:
            family = match[1]
            assert family not in families
        elif (match := _TYPE.fullmatch(line)) is not None:
            assert match[1] == family
            families[family] = match[2]
        else:
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            # One family's samples stand together, and only a summary has names that are longer.
            allowed = [family, f"{family}_sum", f"{family}_count"] if families[family] == "summary" else [family]
            assert match[1] in allowed
            assert ("quantile=" in (match[2] or "")) == (families[family] == "summary" and match[1] == family)
            key = line.rpartition(" ")[0]
            assert key not in samples
            samples[key] = float(match[3])
    return samples


def test_prometheus_reads_the_figures() -> None:
    lines = [ended(ms=400), ended(ms=1_500_000), ended("failed", code="UPSTREAM_RESET", ms=100)]
    generation = {"event": "generation", "input_tokens": 7, "output_tokens": 3, "cost": "0.0000001", "currency": "USD"}
    samples = parsed(as_prometheus(Counting().take_all([*lines, generation])))
    assert samples['longwire_streams{outcome="completed"}'] == 2
    assert samples['longwire_stream_errors{code="UPSTREAM_RESET"}'] == 1
    assert samples['longwire_total_seconds{quantile="0.5"}'] == 0.4 - 0.4 % 0.001 + 0.003  # the bucket's end
    assert (samples["longwire_total_seconds_sum"], samples["longwire_total_seconds_count"]) == (1500.5, 3)
    assert samples['longwire_generation_cost{currency="USD"}'] == 0.0000001


def test_prometheus_reads_an_empty_log() -> None:
    assert parsed(as_prometheus(Counting().take_all([])))['longwire_streams{outcome="failed"}'] == 0


def test_prometheus_reads_names_with_quotes_and_backslashes() -> None:
    samples = parsed(as_prometheus(Counting("grant").take_all([ended(grant='a "b" \\ c\n')])))
    (key,) = (key for key in samples if key.startswith("longwire_body_bytes"))
    assert key == r'longwire_body_bytes{grant="a \"b\" \\ c\\n"}'


def test_json_says_the_same() -> None:
    counting = Counting("page").take_all([ended(), ended("failed", code="HEADER_TIMEOUT")])
    document = json.loads(json.dumps(as_json(counting, 3_600_000)))
    assert (document["streams"], document["failed"], document["failed_share"]) == (2, 1, 0.5)
    assert document["durations_ms"]["total"]["p99"] == 400 and document["durations_ms"]["longwire_own"]["p50"] == 7
    assert [group["name"] for group in document["groups"]] == ["https://chat.example.com"]
