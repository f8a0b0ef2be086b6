"""What models are compared by: what was published, what the same rows give here, and what held-out rows give."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from movierec.metrics.published import PUBLISHED, PUBLISHED_METRICS
from movierec.metrics.registry import METRICS
from movierec.metrics.style import BLUE, GREY, ORANGE, VERMILLION
from movierec.report.results import Measured

OTHER_ROWS = "Models differ in their test rows, too."
SCALES = "R² to RMSE are on the unit scale: the lowest training rating is 0, the highest 1."


class Value(NamedTuple):
    """The mean of a metric over the seeds, its standard deviation (0 of one seed), and the number of seeds."""

    mean: float
    spread: float
    seeds: int


class Series(NamedTuple):
    """Numbers of one kind, by model and metric.

    Attributes:
        label: What they are, and of which rows.
        colour: The colour of their bars.
        hatch: Of their bars; numbers of training rows are hatched.
        values: By model and metric; what is missing is not there.
    """

    label: str
    colour: str
    hatch: str
    values: dict[tuple[str, str], Value]

    @property
    def seeds(self) -> int:
        """The largest number of seeds of any value."""
        return max((value.seeds for value in self.values.values()), default=0)


def summary(values: Sequence[float | None]) -> Value | None:
    """Summarise a metric over the seeds; None where no run has a number."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return Value(fmean(known), stdev(known) if len(known) > 1 else 0.0, len(known)) if known else None


def collect(measured: Sequence[Measured], part: str, metrics: Sequence[str]) -> dict[tuple[str, str], Value]:
    """Summarise some configurations' metrics of a part of the ratings."""
    found = {(label(one), metric): summary(one.values(part, metric)) for one in measured for metric in metrics}
    return {key: value for key, value in found.items() if value is not None}


def list_series(measured: Sequence[Measured]) -> list[Series]:
    """List what there is to compare; the published numbers stand beside real ratings only."""
    published = [one for one in measured if one.family == "published"]
    others = [one for one in measured if one.family != "published"]
    models = {one.model for one in published}
    of_report = {
        (model, metric): Value(value, 0.0, 0)
        for model, metrics in PUBLISHED.items()
        for metric, value in metrics.items()
        if model in models and not any(one.sample for one in published)
    }
    series = [
        Series("report, training rows", GREY, "////", of_report),
        Series("reproduced, training rows", ORANGE, "////", collect(published, "train", PUBLISHED_METRICS)),
        Series("reproduced, held-out test rows", VERMILLION, "", collect(published, "test", PUBLISHED_METRICS)),
        Series(f"{name_others(others)}, held-out test rows", BLUE, "", collect(others, "test", PUBLISHED_METRICS)),
    ]
    return [one for one in series if one.values]


def name_others(measured: Sequence[Measured]) -> str:
    """Name the models that do not reproduce the report; a user's own may leak, or not."""
    return "without leaks" if all(one.family == "described" for one in measured) else "other models"


def model_names(measured: Sequence[Measured]) -> list[str]:
    """List the models, each once: those of the report first, then the user's own."""
    return sorted({label(one) for one in measured}, key=lambda name: (not name.startswith("model"), name))


def label(one: Measured) -> str:
    """Name a model such that both families of it meet."""
    return one.name if one.family == "other" and not one.sample else one.model


def short(model: str) -> str:
    """Write a model's name below a bar: "model1" as "1"."""
    number = model.removeprefix("model")
    return number if number.isdigit() else model


def of_sample(measured: Sequence[Measured]) -> str:
    """Say in a title that the ratings are invented."""
    return " (generated sample)" if any(one.sample for one in measured) else ""


def error_note(series: Sequence[Series]) -> str:
    """Say what error bars are, where there are any."""
    most = max(one.seeds for one in series)
    return f" Error bars: standard deviation over up to {most} seeds." if most > 1 else ""


def direction(metric: str) -> str:
    """Say which way is better."""
    return "lower is better" if METRICS[metric].direction == "min" else "higher is better"


def in_words(series: Sequence[Series], models: Sequence[str], metric: str) -> str:
    """Write all values of a metric."""
    said = []
    for one in series:
        values = [(model, one.values.get((model, metric))) for model in models]
        listed = ", ".join(f"{model} {value.mean:.3f}" for model, value in values if value)
        if listed:
            said.append(f"{one.label}: {listed}")
    return f"{METRICS[metric].full_label}. {'; '.join(said)}."
