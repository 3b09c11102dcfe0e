"""Figures for machines: a JSON document, and the text format of Prometheus, version 0.0.4.

They are of a stretch of the log, which forgets: gauges and summaries of that stretch, and no counters that only grow.
"""

from collections.abc import Iterator
from typing import Any, Final

from longwire.stats.counting import DURATIONS, OUTCOMES, Counting, Figures

PERCENTS: Final = (50, 90, 95, 99)
# What the durations are called outside of the log.
NAMES: Final = {
    "headers_ms": "time_to_headers",
    "first_byte_ms": "time_to_first_byte",
    "content_ms": "time_to_first_content",
    "ms": "total",
    "host_ms": "longwire_own",
}
_HELP: Final = {
    "headers_ms": "From the accepted start to the response's head.",
    "first_byte_ms": "From the accepted start to the body's first byte.",
    "content_ms": "From the accepted start to the first content of a generation.",
    "ms": "From the accepted start to the end.",
    "host_ms": "Of the total, what was neither the upstream's nor the page's.",
}


def as_json(counting: Counting, since_ms: int | None) -> dict[str, Any]:
    """One document. Durations are milliseconds, costs decimal texts."""
    document = {
        "since_ms": since_ms,
        "first": counting.first or None,
        "last": counting.last or None,
        **_figures_json(counting.total),
    }
    if counting.by is not None:
        groups = ordered(counting)
        document |= {"by": counting.by, "groups": [{"name": name, **_figures_json(it)} for name, it in groups]}
    return document


def ordered(counting: Counting) -> list[tuple[str, Figures]]:
    """The groups, those with the most streams first."""
    return sorted(counting.groups.items(), key=lambda item: (-item[1].streams, item[0]))


def _figures_json(figures: Figures) -> dict[str, Any]:
    return {
        "streams": figures.streams,
        **{outcome: figures.outcomes[outcome] for outcome in OUTCOMES},
        "failed_share": round(figures.failed_share, 6),
        "codes": dict(figures.codes.most_common()),
        "bytes": figures.bytes,
        "untimed": figures.untimed,
        "durations_ms": {
            NAMES[name]: {
                "count": it.count,
                "mean": round(it.total / it.count, 1) if it.count else None,
                **{f"p{percent}": it.percentile(percent) for percent in PERCENTS},
                "max": it.most if it.count else None,
            }
            for name, it in figures.durations.items()
        },
        "generation": {
            "attempts": figures.attempts,
            "input_tokens": figures.input_tokens,
            "output_tokens": figures.output_tokens,
            "costs": {currency: f"{amount:f}" for currency, amount in sorted(figures.costs.items())},
        },
    }


def as_prometheus(counting: Counting) -> str:
    """The text of a scrape, or of a file for node_exporter's textfile collector. Ends with a line end."""
    each: list[tuple[dict[str, str], Figures]] = [({}, counting.total)]
    if counting.by is not None:
        each = [({counting.by: name}, figures) for name, figures in ordered(counting)]
    lines: list[str] = []
    for name, help_text, samples in _families(each):
        kind = "summary" if name.endswith("_seconds") else "gauge"
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", *samples]
    return "\n".join(lines) + "\n"


def _families(each: list[tuple[dict[str, str], Figures]]) -> Iterator[tuple[str, str, list[str]]]:
    name = "longwire_streams"
    yield name, "Streams that ended, by outcome.", [
        _sample(name, labels | {"outcome": outcome}, figures.outcomes[outcome])
        for labels, figures in each
        for outcome in OUTCOMES
    ]  # fmt: skip
    name = "longwire_stream_errors"
    yield name, "Streams that failed or were refused, by code.", [
        _sample(name, labels | {"code": code}, count)
        for labels, figures in each
        for code, count in sorted(figures.codes.items())
    ]  # fmt: skip
    name = "longwire_body_bytes"
    yield name, "Bytes of response bodies.", [_sample(name, labels, figures.bytes) for labels, figures in each]
    for duration in DURATIONS:
        name = f"longwire_{NAMES[duration].removeprefix('longwire_')}_seconds"
        samples: list[str] = []
        for labels, figures in each:
            histogram = figures.durations[duration]
            for percent in PERCENTS:
                value = histogram.percentile(percent)
                samples.append(_sample(name, labels | {"quantile": f"{percent / 100:g}"}, _seconds(value)))
            samples.append(_sample(f"{name}_sum", labels, _seconds(histogram.total)))
            samples.append(_sample(f"{name}_count", labels, histogram.count))
        yield name, _HELP[duration], samples
    name = "longwire_generation_attempts"
    yield name, "Times that a provider was asked.", [_sample(name, labels, it.attempts) for labels, it in each]
    name = "longwire_generation_tokens"
    yield name, "Tokens, as the providers counted them.", [
        _sample(name, labels | {"direction": direction}, count)
        for labels, it in each
        for direction, count in (("input", it.input_tokens), ("output", it.output_tokens))
    ]  # fmt: skip
    name = "longwire_generation_cost"
    yield name, "What the tokens cost, by the policy's prices.", [
        _sample(name, labels | {"currency": currency}, f"{amount:f}")
        for labels, it in each
        for currency, amount in sorted(it.costs.items())
    ]  # fmt: skip


def _seconds(milliseconds: int | None) -> str:
    return (
        "NaN"
        if milliseconds is None
        else f"{milliseconds / 1000:g}"
        if milliseconds < 1e6
        else f"{milliseconds / 1000:.3f}"
    )


def _sample(name: str, labels: dict[str, str], value: object) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {value}" if shown else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
