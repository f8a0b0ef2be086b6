"""Summarise the results in sentences: the error of the best model on unseen ratings, and its uncertainty.

Every sentence is computed from the numbers. Models are compared only on the same test rows, with the interval of
`movierec.metrics.bootstrap`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from movierec.metrics.caveats import newer_columns
from movierec.metrics.published import PUBLISHED
from movierec.report.comparison import error_interval, remarks_on, say_differences
from movierec.report.results import Measured, baselines_of

METRIC = "rmse_stars"


@dataclass(frozen=True)
class Summary:
    """The model with the lowest error on one release, and sentences about it.

    Attributes:
        release: The release of ratings.
        best: The model.
        error: Its RMSE in stars on test ratings, as text.
        sd: Standard deviation of the error over the seeds, as text; empty with one seed.
        bars: RMSE of the model and of the baselines, in stars.
        good: How good the model is.
        sure: How certain the error is.
        compared: Comparisons with other models on the same test rows, and the models on other rows.
        ahead: The inputs that are newer than the ratings; empty if there are none.
    """

    release: str
    best: Measured
    error: str
    sd: str
    bars: dict[str, float]
    good: str
    sure: str
    compared: list[str]
    ahead: str


def summarise(found: Iterable[Measured]) -> list[Summary]:
    """Summarise each release of ratings.

    Models of the notebook count only if there are no others, because their inputs contain the ratings to predict.
    """
    groups: dict[str, list[Measured]] = {}
    for one in found:
        if one.mean("test", METRIC) is not None:
            release = one.data.get("options", {}).get("release", "unrecorded data")
            groups.setdefault(str(release), []).append(one)
    summaries = []
    for release, group in sorted(groups.items()):
        honest = [one for one in group if one.family != "published"]
        summaries.append(summarise_release(release, honest or group))
    return summaries


def summarise_release(release: str, group: Sequence[Measured]) -> Summary:
    """Summarise one release by the lowest error on the test rows with the fewest left-out ratings."""
    widest = min(group, key=lambda one: (one.data.get("ratings_left_out", math.inf), error_of(one)))
    same = sorted((one for one in group if one.test_set == widest.test_set), key=error_of)
    best, sd = same[0], same[0].sd("test", METRIC)
    return Summary(
        release=release,
        best=best,
        error=f"{error_of(best):.3f}",
        sd="" if sd is None else f"{sd:.3f}",
        bars=bars_of(best, same),
        good=how_good(best),
        sure=how_sure(best),
        compared=[*compare_all(best, same[1:]), *name_others(best, [one for one in group if one not in same])],
        ahead=how_far_ahead(best),
    )


def error_of(one: Measured) -> float:
    """Return the mean RMSE on test ratings, in stars."""
    error = one.mean("test", METRIC)
    return math.inf if error is None else error


def bars_of(best: Measured, same: Sequence[Measured]) -> dict[str, float]:
    """List the RMSE of the best model and of the baselines of its test rows."""
    errors = {f"baseline, {name}": values.get(METRIC) for name, values in baselines_of(same).items()}
    return {best.name: error_of(best)} | {name: error for name, error in errors.items() if error is not None}


def how_good(one: Measured) -> str:
    """Say how good a model is on ratings it has not seen."""
    size, absolute, r2 = one.size("test"), one.mean("test", "mae_stars"), one.mean("test", "r2")
    text = f"On {f'{size:,}' if size else 'the'} ratings that it had never seen, {one.name} is off by "
    text += f"{error_of(one):.3f} stars (root mean square)"
    text += f", {absolute:.3f} stars on average." if absolute is not None else "."
    return text if r2 is None else f"{text} R2 is {r2:.2f}; 0 is what guessing the mean reaches."


def how_sure(one: Measured) -> str:
    """Say how certain a model's error is, over test users and over seeds."""
    values, found = one.values("test", METRIC), error_interval(one)
    text = f"Over other test users like these, from {found.low:.3f} to {found.high:.3f} stars (95 %). " if found else ""
    if len(values) > 1:
        text += f"Over {len(values)} trainings that differ in their seed, from {min(values):.3f} to {max(values):.3f}."
    else:
        text += "It was trained once, so the effect of the seed is unknown."
    return " ".join([text, *(f"Mind that {remark}." for remark in remarks_on(one))])


def how_far_ahead(one: Measured) -> str:
    """Say which columns are newer than the ratings, and how to measure without them."""
    newer = newer_columns(one.data)
    if not newer:
        return ""
    return (
        f"{one.name} reads {', '.join(newer)}: averages and counts of votes from the day they were fetched, "
        "which is after the ratings. No split removes this look-ahead; on new films with few votes, it may be worse. "
        f"To measure without them: --data.exclude_columns '[{', '.join(newer)}]'."
    )


def compare_all(best: Measured, others: Sequence[Measured]) -> Iterable[str]:
    """Compare a model with others on the same test rows."""
    for other, said in zip(others, say_differences(best, others), strict=True):
        yield f"{said}." if said else f"{other.name}: {error_of(other):.3f} stars. Test again to compare the two."


def name_others(best: Measured, others: Sequence[Measured]) -> Iterable[str]:
    """Name the models that were tested on other rows."""
    if others:
        listed = ", ".join(f"{one.name} ({error_of(one):.3f})" for one in sorted(others, key=error_of))
        yield f"Tested on other ratings, so not comparable with {best.name}: {listed}."


def read_published(found: Iterable[Measured]) -> list[str]:
    """Compare the published numbers with ours, on training rows and on test rows."""
    ours = [one for one in found if one.is_faithful]
    gaps = {
        one.model: abs(r2 - PUBLISHED[one.model]["r2"]) for one in ours if (r2 := one.mean("train", "r2")) is not None
    }
    if not gaps:
        return []
    worst = max(gaps, key=lambda model: gaps[model])
    farthest = f"{worst}{' is the farthest' if len(gaps) > 1 else ''}"
    lines = ["The published numbers were measured on the training rows: ratings that the model had already seen."]
    lines.append(f"Run the same way, our R2 of training rows comes within {gaps[worst]:.3f} of theirs ({farthest}).")
    held_out = [r2 for one in ours if (r2 := one.mean("test", "r2")) is not None]
    if held_out:
        low, high = f"{min(held_out):.2f}", f"{max(held_out):.2f}"
        lines.append(
            "On ratings held out from training, the same networks reach an R2 "
            f"{f'of {low}' if low == high else f'from {low} to {high}'}; 0 is what guessing the mean reaches."
        )
    return lines
