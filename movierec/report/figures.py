"""The figures that compare models."""

from collections.abc import Sequence

from movierec.metrics.style import Drawing
from movierec.report.bar_figures import draw_bars, draw_held_out
from movierec.report.comparison import model_names
from movierec.report.radar import draw_radar
from movierec.report.results import Measured

ABLATION = "ablation/"
COMPARED = {"metrics": draw_bars, "held_out": draw_held_out, "radar": draw_radar}


def draw_report(measured: Sequence[Measured]) -> dict[str, Drawing]:
    """Draw what compares models; nothing where there is only one.

    Args:
        measured: The configurations; where any of them was measured on real ratings, those on generated ones are
            left out, and beside others, those of `configs/ablation/`, whose four feature sets are a table's matter.

    Returns:
        The figures that can be drawn from what is there, by name.
    """
    real = [one for one in measured if not one.sample] or measured
    models = [one for one in real if not one.name.startswith(ABLATION)] or real
    if len(model_names(models)) < 2:  # noqa: PLR2004 - nothing to compare
        return {}
    drawn = {name: draw(models) for name, draw in COMPARED.items()}
    return {name: drawing for name, drawing in drawn.items() if drawing is not None}
