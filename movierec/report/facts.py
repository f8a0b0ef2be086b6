"""What is known of a configuration beside its metrics: data, network, seeds, times, hardware, versions, settings."""

from typing import Any

from movierec.metrics.caveats import newer_columns
from movierec.report.results import Measured
from movierec.runs import Run

SOURCES = {"tmdb": "TMDb", "omdb": "IMDb, from OMDb"}


def facts_of(one: Measured) -> dict[str, str]:
    """List what is known of a configuration, by what it is; what was not recorded is not listed."""
    data, newest = one.data, one.newest
    options = data.get("options", {})
    listed = {
        "Release": str(options.get("release", "")),
        "Metadata": ", ".join(SOURCES.get(name, str(name)) for name in options.get("sources", [])),
        "Ratings": count(data, "ratings", "users", "movies"),
        "Left out": count(data, "ratings_left_out").replace(" left out", " for missing metadata"),
        "Parts": ", ".join(f"{size:,} {part}" for part, size in data.get("rows", {}).items()),
        "Split": write({name: options[name] for name in ("split", "fractions", "seed") if name in options}),
        "Fingerprint of the data": str(data.get("fingerprint", "")),
        "Leaks": listing(data.get("leaks")),
        "Newer than the ratings": listing(newer_columns(data)),
        "Network": count(newest, "inputs", "weights"),
        "Seeds of the network": ", ".join("not recorded" if seed is None else str(seed) for seed in one.seeds),
        "Time of fit": seconds(one, "fit"),
        "Time of test": seconds(one, "test"),
        "Hardware": write(newest.get("hardware", "")),
        "Versions": write(newest.get("versions", "")),
        "Code": write_code(newest.get("code")),
        "Checkpoint": str(newest.get("checkpoint", "")),
    }
    return {name: value for name, value in listed.items() if value}


def count(content: dict[str, Any], *names: str) -> str:
    """Write numbers before what they count: "610 users, 9,724 movies"."""
    found = {name: content[name] for name in names if isinstance(content.get(name), int)}
    return ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in found.items())


def listing(value: object) -> str:
    """Write a list read from JSON; empty if it is none."""
    return ", ".join(map(str, value)) if isinstance(value, list) else ""


def write(value: object) -> str:
    """Write a value read from JSON; an object as its names and values."""
    return ", ".join(f"{name} {item}" for name, item in value.items()) if isinstance(value, dict) else str(value)


def write_code(code: object) -> str:
    """Write which code the numbers were computed with; empty where that was not recorded."""
    if not isinstance(code, dict):
        return ""
    return f"revision {code.get('revision')}{', with changes' if code.get('dirty') else ''}"


def seconds(one: Measured, command: str) -> str:
    """Write how long a command took, over the runs."""
    taken = sorted(one.values("seconds", command))
    if not taken:
        return ""
    return f"{taken[0]:,.1f} s" if len(taken) == 1 else f"{taken[0]:,.1f} to {taken[-1]:,.1f} s"


def settings_text(run: Run) -> str:
    """Read a run's resolved configuration, whatever bytes are in it; empty if it cannot be read."""
    try:
        return run.config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
