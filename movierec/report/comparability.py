"""What keeps the numbers of two lines of the table from being compared, in words."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from movierec.metrics.caveats import describe_constant, is_constant
from movierec.report.results import Measured, letter_test_sets

BEST = "checkpoints/best.ckpt"
ENDS = {
    "interrupted": "its fit was interrupted",
    "diverged": "its fit ended because its loss was not finite any more",
    "early": "a callback ended its fit early",
}


def remarks_on(one: Measured) -> list[str]:
    """List what is unusual about the runs of a configuration; of several runs, of which."""
    found: dict[str, list[str]] = {}
    for run, content in zip(one.runs, one.contents, strict=True):
        for text in unusual(content):
            found.setdefault(text, []).append(run.path.name)
    return [text if len(one.runs) == 1 else f"{', '.join(names)}: {text}" for text, names in found.items()]


def unusual(content: dict[str, Any]) -> Iterator[str]:
    """Say what is unusual about a run, by its metrics.json; an older version recorded less of it."""
    epochs, end = content.get("epochs", {}), content.get("end")
    if how := ENDS.get(str(end)):
        yield f"{how}, after {epochs.get('trained')} of {epochs.get('planned')} epochs"
    elif end is None and "code" in content:
        yield "its fit had not ended when it was tested, or was killed"
    for name, limit in content.get("limits", {}).items():
        yield f"it was trained with {name} {limit}, not with all ratings"
    if content.get("checkpoint", BEST) != BEST:
        yield f"it was measured at {content['checkpoint']}, not at its best epoch"
    if is_constant(content.get("test", {})):
        yield describe_constant(content["test"], "test rows")


def describe_test_sets(found: Sequence[Measured]) -> dict[str, str]:
    """Say of each letter which test ratings it stands for: in full, or in what they differ from the most usual ones.

    Returns:
        Texts by letter; none where all were tested on the same ratings.
    """
    letters = letter_test_sets(found)
    firsts = {one.test_set: one for one in reversed(found)}
    if len(firsts) < 2:  # noqa: PLR2004 - nothing to tell apart
        return {}
    common = Counter((release_of(one), fact) for one in found for fact in facts_of_test(one).items())

    def usual(one: Measured) -> int:
        return sum(common[release_of(one), fact] for fact in facts_of_test(one).items())

    chief: dict[tuple[bool, str], Measured] = {}
    for one in sorted(found, key=usual, reverse=True):
        chief.setdefault(release_of(one), one)
    return {
        letters[one.test_set]: tell_apart(one, chief[release_of(one)], letters) for one in reversed(firsts.values())
    }


def tell_apart(one: Measured, chief: Measured, letters: dict[str | None, str]) -> str:
    """Describe test ratings, or how they differ from the most usual ones of the release."""
    if one.test_set is None:
        return "ratings that were not recorded"
    facts, others = facts_of_test(one), facts_of_test(chief)
    if one.test_set == chief.test_set:
        return ", ".join(text for name, text in facts.items() if name != "file")
    differing = [text for name, text in facts.items() if text != others.get(name)]
    return f"other ratings than {letters[chief.test_set]}: {', '.join(differing) or 'of other users or films'}"


def release_of(one: Measured) -> tuple[bool, str]:
    """Return what the ratings are of, by which configurations may be compared at all."""
    return one.sample, str(one.data.get("options", {}).get("release"))


def facts_of_test(one: Measured) -> dict[str, str]:
    """Say what decides which ratings a configuration was tested on."""
    options, data = one.data.get("options", {}), one.data
    shares = "/".join(f"{100 * share:g}" for share in options.get("fractions", []))
    low, high = one.newest.get("unit_scale", ("?", "?"))
    left_out = data.get("ratings_left_out")
    files = [digest for name, digest in data.get("files", {}).items() if "ratings" in name]
    facts = {
        "release": str(options.get("release")),
        "file": f"ratings file {files[0][:8]}" if files else "",
        "split": f"split {options.get('split')} {shares}",
        "seed": f"seed {options.get('seed')}",
        "scale": f"from {low:g} to {high:g} stars" if isinstance(low, int | float) else "",
        "stars": "half stars cut off" if options.get("whole_stars") else "stars as given",
        "left_out": f"{left_out:,} ratings left out for missing metadata" if left_out else "no rating left out",
    }
    return {name: text for name, text in facts.items() if text}


def differing_files(found: Sequence[Measured]) -> Iterator[str]:
    """Name the files beside the ratings that configurations have read in different versions."""
    readers: dict[tuple[bool, str], dict[str, list[str]]] = {}
    for one in found:
        for name, digest in one.data.get("files", {}).items():
            if "ratings" not in name:
                readers.setdefault((one.sample, name), {}).setdefault(digest, []).append(one.name)
    for (_, name), versions in readers.items():
        if len(versions) > 1:
            groups = " and ".join(", ".join(names) for names in versions.values())
            yield f"{name} was not the same file for {groups}: part of their difference may come from there."
