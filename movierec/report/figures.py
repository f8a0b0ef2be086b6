"""Draw figures that compare models with each other."""

from collections.abc import Sequence

import numpy as np

from movierec.metrics.style import BLACK, BLUE, Drawing, new_figure, styled
from movierec.report.comparison import compare, describe_test_set
from movierec.report.results import Measured, letter_test_sets

LONGEST_NAME = 22


def draw_report(measured: Sequence[Measured]) -> dict[str, Drawing]:
    """Draw the figures that compare models, by name; none with a single model."""
    drawn = {}
    for test_set, letter in letter_test_sets(measured).items():
        group = [one for one in measured if one.test_set == test_set]
        if test_set and (drawing := draw_differences(group)):
            drawn[f"differences_{letter}"] = drawing
    return drawn


@styled()
def draw_differences(group: Sequence[Measured]) -> Drawing | None:
    """Draw the RMSE of models above that of the best on the same test rows; None if none can be compared."""
    errors = {one.name: error for one in group if (error := one.mean("test", "rmse_stars")) is not None}
    known = sorted((one for one in group if one.name in errors), key=lambda one: errors[one.name])
    found = {one.name: interval for one in known[1:] if (interval := compare(one, known[0])) is not None}
    if not found:
        return None
    best = known[0]
    title = f"RMSE above that of {shorten(best.name)}"
    figure = new_figure(title, 1.4 + 0.33 * len(found))
    axes = figure.subplots()
    value, low, high = np.array(list(found.values())).T
    place = np.arange(len(found))
    axes.errorbar(value, place, xerr=[value - low, high - value], fmt="o", color=BLUE, capsize=2, elinewidth=1)
    axes.axvline(0, color=BLACK, linewidth=0.7)
    axes.set_yticks(place, [f"{shorten(name)}\n{errors[name]:.3f}" for name in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.margins(x=0.1)
    axes.grid(axis="x")
    figure.supxlabel(f"RMSE above {errors[best.name]:.3f} (stars), with 95 % intervals", fontsize=7.5)
    said = ", ".join(f"{name} {one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})" for name, one in found.items())
    alt = f"RMSE in stars less the {errors[best.name]:.3f} of {best.name}: {said}."
    return Drawing(figure, f"{title}: {describe_test_set(best)}", alt)


def shorten(name: str) -> str:
    """Shorten a name to fit beside an axis."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
