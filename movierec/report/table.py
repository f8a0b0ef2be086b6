"""Tabulate all results: published numbers, and the metrics of each configuration on its rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from movierec.console import Console
from movierec.console import cell as guarded
from movierec.metrics.published import PUBLISHED, PUBLISHED_NDCG, PUBLISHED_STARS
from movierec.metrics.registry import METRICS
from movierec.report.comparison import describe_test_set, remarks_on
from movierec.report.results import Measured, baselines_of, letter_test_sets

Kind = Literal["published", "measured", "baseline"]
SHOWN = ("r2", "mae", "mse", "rmse", "precision", "recall", "mae_stars", "rmse_stars", "ndcg@10")
LONG_ONLY = ("mse", "mae_stars")  # not in a terminal of 80 columns; the errors that stay say the same
DASH = "-"
NAME_WIDTH = 12  # what 80 columns leave for a name
PUBLISHED_NOTE = (
    "Lines named report are those of the published report, measured on its training rows; its NDCG@10 of 1.0000 ranked "
    "each rating alone, against itself."
)
NOTE = """\
R2, MAE and RMSE are on the unit scale; stars is the RMSE in stars, NDCG is
NDCG@10 per user. Each run is measured at its best.ckpt. Numbers of train rows
say nothing about other ratings: the model has seen them. Compare models by
their test rows, and only where those are the same ratings{letters}.
"""
REMARK = "‡"  # marks a line that has remarks
SAMPLE_NOTE = "* Trained on generated ratings, which say nothing about the quality of a model.\n"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table.

    Attributes:
        name: Name of the configuration, baseline or published model.
        kind: `published`, `measured` or `baseline`.
        part: The measured part of the ratings, `train` or `test`.
        means: The numbers, averaged over the seeds.
        sds: Their sample standard deviations, with several seeds.
        measured: The configuration of a measured line.
        size: Number of ratings in that part, if known.
        test_set: Letter of the test ratings, if there are different ones.
        epoch: The epochs of the checkpoints, and the number of trained epochs.
        remarks: What is unusual about the runs.
    """

    name: str
    kind: Kind
    part: Literal["train", "test"]
    means: Mapping[str, float | None]
    sds: Mapping[str, float | None] = field(default_factory=dict)
    measured: Measured | None = None
    size: int | None = None
    test_set: str = ""
    epoch: str = DASH
    remarks: Sequence[str] = ()

    @property
    def label(self) -> str:
        """The name; an asterisk marks generated ratings, and ‡ marks remarks."""
        sample = "*" if self.measured and self.measured.sample else ""
        return " ".join(filter(None, [self.name, sample, REMARK if self.remarks else ""]))

    @property
    def rows(self) -> str:
        """The measured part, its number of ratings and its letter."""
        return " ".join(filter(None, [self.part, "" if self.size is None else f"{self.size:,}", self.test_set]))

    def value(self, metric: str) -> str:
        """Write a metric."""
        return METRICS[metric].format(self.means.get(metric))

    def spread(self, metric: str) -> str:
        """Write the standard deviation of a metric; empty without several seeds."""
        sd = self.sds.get(metric)
        return "" if sd is None else f"±{METRICS[metric].format(sd)}"


def tabulate(found: Sequence[Measured]) -> list[Row]:
    """List the lines of the table: published and reproduced numbers, then each set of test ratings."""
    found = [one for one in found if one.predicts_stars]
    letters = letter_test_sets(found)
    several = len({one.test_set for one in found}) > 1
    rows = [row for model in PUBLISHED for row in training_rows(model, found)]
    for test_set, letter in letters.items():
        group, shown = [one for one in found if one.test_set == test_set], letter if several else ""
        size = group[0].size("test") if group else None
        rows += [
            Row(name=f"baseline, {name}", kind="baseline", part="test", means=means, size=size, test_set=shown)
            for name, means in baselines_of(group).items()
        ]
        rows += [measured_row(one, "test", shown) for one in group]
    return rows


def training_rows(model: str, found: Sequence[Measured]) -> Iterator[Row]:
    """Yield the published numbers of a model, and those of its reproductions on their training rows."""
    published = PUBLISHED[model] | {"ndcg@10": PUBLISHED_NDCG}
    published |= {f"{name}_stars": published[name] * PUBLISHED_STARS for name in ("mae", "rmse")}
    yield Row(name=f"report, {model}", kind="published", part="train", means=published)
    for one in found:
        if one.family == "published" and one.model == model:
            yield measured_row(one, "train", "")


def measured_row(one: Measured, part: Literal["train", "test"], test_set: str) -> Row:
    """Make the line of a configuration on a part of the ratings."""
    return Row(
        name=one.name,
        kind="measured",
        part=part,
        measured=one,
        means={metric: one.mean(part, metric) for metric in SHOWN},
        sds={metric: one.sd(part, metric) for metric in SHOWN},
        size=one.size(part),
        test_set=test_set,
        epoch=epochs_of(one),
        remarks=remarks_on(one),
    )


def epochs_of(one: Measured) -> str:
    """Write the epochs of the checkpoints and the number of trained epochs."""
    best = sorted(content["epoch"] + 1 for content in one.contents if content.get("epoch") is not None)
    trained = max((content.get("epochs", {}).get("trained") or 0 for content in one.contents), default=0)
    if not best or not trained:
        return DASH
    refit = ", refit" if any(content.get("refit") for content in one.contents) else ""
    return (f"{best[0]} of {trained}" if best[0] == best[-1] else f"{best[0]}-{best[-1]} of {trained}") + refit


def remarks_of(rows: Sequence[Row]) -> list[str]:
    """List the remarks marked by ‡."""
    return list({row.name: f"{REMARK} {row.name}: {'; '.join(row.remarks)}." for row in rows if row.remarks}.values())


def csv_text(rows: Sequence[Row]) -> str:
    """Write the table as csv with six decimals; missing numbers are empty."""
    records = [
        {
            "run": guarded(row.name),
            "kind": row.kind,
            "rows": row.part,
            "num_rows": row.size,
            "test_set": row.test_set,
            "generated": "yes" if row.measured and row.measured.sample else "no",
            "seeds": len(row.measured.runs) if row.measured else None,
            **{f"{name}{end}": of.get(name) for name in SHOWN for end, of in (("", row.means), ("_sd", row.sds))},
            "epoch": "" if row.epoch == DASH else row.epoch,
            "remarks": guarded("; ".join(row.remarks)),
        }
        for row in rows
    ]
    whole = {"num_rows": "Int64", "seeds": "Int64"}
    return str(pd.DataFrame(records).round(6).astype(whole).to_csv(index=False, lineterminator="\n"))


def print_table(rows: Sequence[Row], lines: Sequence[str]) -> None:
    """Print the table and what is left out, for a terminal of 80 columns or more."""
    shown = [METRICS[name] for name in SHOWN if name not in LONG_ONLY]
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("run", overflow="fold", min_width=8)
    table.add_column("rows", no_wrap=True)
    for metric in shown:
        table.add_column(metric.short or metric.label, justify="right", no_wrap=True, min_width=6)
    for row in rows:
        values = ["\n".join(filter(None, [row.value(metric.name), row.spread(metric.name)])) for metric in shown]
        # as Text, so that no name is read as markup
        table.add_row(
            *map(Text, [break_name(row.label), row.rows, *values]), style="dim" if row.part == "train" else ""
        )
    console = Console()
    console.width = max(console.width, 80)  # below, the names of the runs would go
    console.print(table)
    console.print(f"\n{notes_of(rows)}", end="", soft_wrap=True)
    for line in lines:
        console.print(line, soft_wrap=True)


def break_name(name: str) -> str:
    """Break a long name after its slashes."""
    return name if len(name) <= NAME_WIDTH else name.replace("/", "/\n")


def notes_of(rows: Sequence[Row]) -> str:
    """Write the notes below the table."""
    sets: dict[str, str] = {}
    for row in rows:
        if row.measured and row.test_set:
            sets.setdefault(row.test_set, describe_test_set(row.measured))
    notes = NOTE.format(letters=": the same letter" if sets else "")
    notes += f"{PUBLISHED_NOTE}\n"
    if any(row.sds.get("r2") is not None for row in rows):
        notes += "± is the standard deviation over the seeds.\n"
    notes += "".join(f"{letter}: {text}.\n" for letter, text in sets.items())
    notes += "".join(f"{remark}\n" for remark in remarks_of(rows))
    is_sample = any(row.measured and row.measured.sample for row in rows)
    return notes + (SAMPLE_NOTE if is_sample else "")
