"""What the numbers mean, in plain words: which model to use, how good it is on unseen ratings, and how sure that is.

Every sentence is computed from the numbers. Errors are compared between models only where the test ratings are the
same, and a difference counts when it is more than twice its standard error over the seeds, which takes two seeds each.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from movierec.metrics.caveats import is_constant, newer_columns
from movierec.metrics.published import PUBLISHED
from movierec.report.comparability import remarks_on
from movierec.report.difference import METRIC
from movierec.report.difference import compare as compare_seeds
from movierec.report.results import Measured

MANY_SEEDS = 3
LEAST = 0.0005  # what three digits show


@dataclass(frozen=True)
class Advice:
    """Which model to use for one release, and what the numbers say for it.

    Attributes:
        release: The release of ratings.
        best: The model.
        verdict: The answer in a few words.
        error: The model's RMSE in stars on test ratings, as text.
        sd: Its standard deviation over the seeds, as text; empty with one seed.
        guess: The error of always guessing the mean test rating, in stars; None where it is not known.
        share: The model's error as a share of that.
        good: How good the model is.
        sure: How sure that is.
        ahead: What it reads that is newer than the ratings; empty if it reads nothing such.
        others: How the other models compare.
    """

    release: str
    best: Measured
    verdict: str
    error: str
    sd: str
    guess: float | None
    share: float
    good: str
    sure: str
    ahead: str
    others: list[str]


def advise(found: Iterable[Measured]) -> list[Advice]:
    """Advise on a model for each release of ratings, the generated ones last.

    The notebook's models count where there are no others: their inputs hold the ratings to be predicted.
    """
    groups: dict[tuple[bool, str], list[Measured]] = {}
    for one in found:
        if one.mean("test", METRIC) is not None:
            release = one.data.get("options", {}).get("release", "unrecorded data")
            groups.setdefault((one.sample, str(release)), []).append(one)
    advices = []
    for (_, release), group in sorted(groups.items(), key=lambda item: item[0]):
        honest = [one for one in group if one.family != "published"]
        advices.append(advise_on(release, honest or group))
    return advices


def advise_on(release: str, group: Sequence[Measured]) -> Advice:
    """Advise on a model for one release.

    Of those tested on the same ratings, the one of the least mean error. Where the test ratings differ, errors do not
    rank the models; then it is the best of those that leave out the fewest ratings. A model that is no better than
    guessing the mean is advised against.
    """
    useful = [one for one in group if (one.mean("test", "r2") or 0) > 0]
    best = min(useful or group, key=lambda one: (one.data.get("ratings_left_out", math.inf), error_of(one)))
    best = min((one for one in group if one.test_set == best.test_set), key=error_of)
    sd, guess = best.sd("test", METRIC), guess_error(best)
    return Advice(
        release=release,
        best=best,
        verdict=verdict_on(best),
        error=f"{error_of(best):.3f}",
        sd="" if sd is None else write_spread(sd),
        guess=guess,
        share=error_of(best) / guess if guess else 1.0,
        good=how_good(best),
        sure=how_sure(best),
        ahead=how_far_ahead(best),
        others=list(compare(best, [one for one in group if one is not best])),
    )


def error_of(one: Measured) -> float:
    """Return the mean RMSE on test ratings, in stars."""
    error = one.mean("test", METRIC)
    return math.inf if error is None else error


def verdict_on(best: Measured) -> str:
    """Say whether to use a model."""
    r2 = best.mean("test", "r2")
    if best.sample:
        return f"A trial of {best.name}"  # of invented ratings there is nothing to choose
    if (r2 is not None and r2 <= 0) or any(is_constant(content["test"]) for content in best.contents):
        return "Use none of these yet"
    return f"Use {best.name}"


def guess_error(one: Measured) -> float | None:
    """Compute the error of always guessing the mean test rating, in stars, from R2 = 1 - MSE / variance."""
    r2, mse = one.mean("test", "r2"), one.mean("test", "mse")
    scale = one.newest.get("unit_scale")
    if r2 is None or mse is None or not scale or r2 >= 1:
        return None
    return math.sqrt(mse / (1 - r2)) * float(scale[1] - scale[0])


def how_good(one: Measured) -> str:
    """Say how good a model is on ratings it has not seen."""
    size, absolute, guess, r2 = (
        one.size("test"),
        one.mean("test", "mae_stars"),
        guess_error(one),
        one.mean("test", "r2"),
    )
    text = f"On {f'{size:,}' if size else 'the'} ratings that it had never seen, {one.name} is off by "
    text += f"{error_of(one):.3f} stars (root mean square)"
    text += f", {absolute:.3f} stars on average." if absolute is not None else "."
    if guess is None or r2 is None:
        return text
    if r2 <= 0:
        return f"{text} That is no better than always guessing the mean of those ratings, which is off by {guess:.3f}."
    return (
        f"{text} Always guessing the mean of those ratings is off by {guess:.3f}: "
        f"the model explains {r2:.0%} of how the ratings differ (R2)."
    )


def how_sure(one: Measured) -> str:
    """Say how sure a model's error is: over seeds, and over test ratings."""
    values, size = one.values("test", METRIC), one.size("test")
    sd = one.sd("test", METRIC)
    if sd is None:
        text = "It was trained once, so what another seed would change is not known."
    else:
        few = "" if len(values) >= MANY_SEEDS else "; two seeds say little about it"
        text = (
            f"Over {len(values)} trainings that differ in their seed, the error ran from {min(values):.3f} to "
            f"{max(values):.3f} stars (standard deviation {write_spread(sd)}{few})."
        )
    if size:
        drawn = error_of(one) / math.sqrt(2 * size)
        text += (
            f" Other test ratings, as many, would move it by about {write_spread(drawn)} stars "
            "(one standard error, were errors normal and independent; they are not quite, so take it as a lower bound)."
        )
    return " ".join([text, *(f"Mind that {remark}." for remark in remarks_on(one))])


def how_far_ahead(one: Measured) -> str:
    """Say which columns are newer than the ratings, and how to measure without them."""
    newer = newer_columns(one.data)
    if not newer:
        return ""
    return (
        f"{one.name} reads {', '.join(newer)}: averages and counts of votes up to the day they were fetched, which is "
        "after the ratings. No split takes out that it looks ahead; on new films, of few votes, it may be worse. "
        f"To measure without: --data.exclude_columns '[{', '.join(newer)}]'."
    )


def write_spread(stars: float) -> str:
    """Write a small number of stars as exactly as the errors beside it, and never as 0.000 when it is not."""
    return f"{stars:.3f}" if stars >= LEAST or stars == 0 else f"{stars:.1g}"


def compare(best: Measured, others: Sequence[Measured]) -> Iterable[str]:
    """Compare a model with others: by error where the test ratings are the same, else say that they are not."""
    elsewhere = []
    for one in sorted(others, key=error_of):
        if one.test_set is not None and one.test_set == best.test_set:
            yield compare_two(best, one)
        else:
            elsewhere.append(f"{one.name} ({error_of(one):.3f})")
    if elsewhere:
        whose = ("their errors do", "they are") if len(elsewhere) > 1 else ("its error does", "it is")
        yield (
            f"{', '.join(elsewhere)}: tested on other ratings than {best.name}, so {whose[0]} not say whether "
            f"{whose[1]} better or worse. {coverage(best)}"
        )


def coverage(best: Measured) -> str:
    """Say why a model is advised whose error cannot be compared with the others'."""
    left_out = best.data.get("ratings_left_out")
    if left_out is None:
        return f"{best.name} is named for its error alone."
    if left_out == 0:
        return f"{best.name} is named because it covers all ratings: none was left out for missing metadata."
    return f"{best.name} is named because it leaves out the fewest ratings for missing metadata: {left_out:,}."


def compare_two(best: Measured, other: Measured) -> str:
    """Compare the errors of two models on the same test ratings."""
    found = compare_seeds(other, best)
    text = (
        f"{other.name}, on the same test ratings: {error_of(other):.3f} stars, {write_spread(found.difference)} more."
    )
    if found.error is None:
        return f"{text} With one seed, that may be luck: it takes several to tell."
    how = f"{write_spread(found.error)} is its standard error over the seeds"
    if found.verdict == "no clear difference":
        return f"{text} The seeds' spread may explain that ({how}): either will do."
    return f"{text} The seeds' spread does not explain that ({how})."


def read_published(found: Iterable[Measured]) -> list[str]:
    """Say what became of the published numbers: on training rows, and on test rows."""
    real = [one for one in found if not one.sample]
    ours = [one for one in real if one.family == "published"]
    gaps = {
        one.model: abs(r2 - PUBLISHED[one.model]["r2"]) for one in ours if (r2 := one.mean("train", "r2")) is not None
    }
    lines = ["The published numbers were measured on the training rows: ratings that the model had already seen."]
    if gaps:
        worst = max(gaps, key=lambda model: gaps[model])
        lines.append(
            f"Run the same way and measured on training rows, our R2 comes within {gaps[worst]:.3f} of the published "
            f"one ({worst}{' is the farthest' if len(gaps) > 1 else ''})."
        )
    held_out = [r2 for one in ours if (r2 := one.mean("test", "r2")) is not None]
    if held_out:
        several = len(held_out) > 1
        span = f"from {min(held_out):.2f} to {max(held_out):.2f}" if several else f"of {held_out[0]:.2f}"
        lines.append(
            f"On ratings held out from training, the same {'networks reach' if several else 'network reaches'} an R2 "
            f"{span}; 0 is what guessing the mean reaches."
        )
    ndcg = [value for one in ours if (value := one.mean("test", "ndcg@10")) is not None]
    if ndcg:
        span = f"{min(ndcg):.3f} to {max(ndcg):.3f}" if len(ndcg) > 1 else f"{ndcg[0]:.3f}"
        lines.append(
            "The published NDCG@10 of 1.0000 ranked each rating alone, against itself. Ranking each user's test films, "
            f"it is {span}."
        )
    return lines if real else []
