"""The table of all results: what was published, and what each configuration measured on which rows."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from movierec.console import Console
from movierec.console import cell as guarded
from movierec.metrics.published import PUBLISHED, PUBLISHED_NDCG
from movierec.metrics.registry import METRICS
from movierec.report.comparability import describe_test_sets, differing_files, remarks_on
from movierec.report.results import Measured, letter_test_sets

Kind = Literal["published", "measured", "difference"]
SHOWN = ("r2", "mae", "mse", "rmse", "precision", "recall", "mae_stars", "rmse_stars", "ndcg@10")
LONG_ONLY = ("mse", "mae_stars")  # not in a terminal of 80 columns; the errors that stay say the same
DASH = "-"
NAME_WIDTH = 12  # what 80 columns leave for a name
NDCG_NOTE = "The published NDCG@10 of 1.0000 ranked each rating alone, against itself; ours ranks each user's films."
NOTE = """\
R2, MAE and RMSE are on the unit scale; stars is the RMSE in stars, NDCG is
NDCG@10 per user. Each run is measured at its best.ckpt. Numbers of train rows
say nothing about other ratings: the model has seen them. Compare models by
their test rows, and only where those are the same ratings{letters}.
"""
REMARK = "‡"  # marks a line that has remarks
SAMPLE_NOTE = "* Trained on generated ratings: that shows that all works, not how good a model is.\n"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table.

    Attributes:
        name: Whose numbers they are.
        kind: Whether they were published, measured by us, or are ours minus the published ones.
        part: The part of the ratings they were measured on, `train` or `test`.
        measured: The configuration that the line is of.
        means: The numbers, averaged over the seeds.
        sds: Their sample standard deviations, where there are several seeds.
        size: Number of ratings in that part, where it is known.
        test_set: Letter of the test ratings, where there are different ones.
        epoch: The epochs of the checkpoints, and how many were trained.
        remarks: What is unusual about the runs.
    """

    name: str
    kind: Kind
    part: Literal["train", "test"]
    measured: Measured
    means: Mapping[str, float | None]
    sds: Mapping[str, float | None] = field(default_factory=dict)
    size: int | None = None
    test_set: str = ""
    epoch: str = DASH
    remarks: Sequence[str] = ()

    @property
    def label(self) -> str:
        """Whose numbers they are; an asterisk marks generated ratings, and ‡ that there are remarks."""
        sample = "*" if self.measured.sample and self.kind == "measured" else ""
        return " ".join(filter(None, [self.name, sample, REMARK if self.remarks else ""]))

    @property
    def rows(self) -> str:
        """Which ratings were measured, and how many."""
        return " ".join(filter(None, [self.part, "" if self.size is None else f"{self.size:,}", self.test_set]))

    def value(self, metric: str) -> str:
        """Write a metric; a difference with its sign."""
        return METRICS[metric].format(self.means.get(metric), sign=self.kind == "difference")

    def spread(self, metric: str) -> str:
        """Write the standard deviation of a metric; empty without several seeds."""
        sd = self.sds.get(metric)
        return "" if sd is None else f"±{METRICS[metric].format(sd)}"


def tabulate(found: Sequence[Measured]) -> list[Row]:
    """List the lines of the table: model by model, published, reproduced, the difference, held out."""
    letters = letter_test_sets(found)
    several = len({one.test_set for one in found}) > 1
    return [row for one in found for row in rows_of(one, letters[one.test_set] if several else "")]


def rows_of(one: Measured, test_set: str) -> Iterator[Row]:
    """List the lines of a configuration; of the published family, those of the rows that the report measured first."""
    if one.family == "published":
        ours = measured_row(one, "train", "")
        if not one.sample:
            published = published_numbers(one)
            name = f"report, {one.model}"
            yield Row(name=name, kind="published", part="train", measured=one, means=published)
            yield ours
            pairs = {metric: (ours.means.get(metric), value) for metric, value in published.items()}
            gaps = {metric: a - b for metric, (a, b) in pairs.items() if a is not None and metric != "ndcg@10"}
            yield Row(name="difference", kind="difference", part="train", measured=one, means=gaps)
        else:
            yield ours
    yield measured_row(one, "test", test_set)


def measured_row(one: Measured, part: Literal["train", "test"], test_set: str) -> Row:
    """Make the line of what a configuration measured on a part of the ratings."""
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


def published_numbers(one: Measured) -> dict[str, float]:
    """Return the published metrics of a model, in stars too where our run recorded what the unit scale is."""
    numbers = PUBLISHED[one.model] | {"ndcg@10": PUBLISHED_NDCG}
    scale = one.newest.get("unit_scale")
    if scale:
        numbers |= {f"{name}_stars": numbers[name] * (scale[1] - scale[0]) for name in ("mae", "rmse")}
    return numbers


def epochs_of(one: Measured) -> str:
    """Write which epochs were measured, of how many that were trained."""
    best = sorted(content["epoch"] + 1 for content in one.contents if content.get("epoch") is not None)
    trained = max((content.get("epochs", {}).get("trained") or 0 for content in one.contents), default=0)
    if not best or not trained:
        return DASH
    return f"{best[0]} of {trained}" if best[0] == best[-1] else f"{best[0]}-{best[-1]} of {trained}"


def cells(row: Row) -> list[str]:
    """Write a line with all its columns."""
    values = [" ".join(filter(None, [row.value(metric), row.spread(metric)])) for metric in SHOWN]
    return [row.label, row.rows, *values, row.epoch]


def markdown(rows: Sequence[Row]) -> str:
    """Write the table in Markdown."""
    header = ["run", "rows", *(METRICS[name].heading for name in SHOWN), "epoch"]
    rule = ["---", "---", *("--:" for _ in SHOWN), "---"]
    lines = [header, rule, *([escape_markdown(cell) for cell in cells(row)] for row in rows)]
    notes = [NDCG_NOTE] if any(row.kind == "published" for row in rows) else []
    notes += [SAMPLE_NOTE.strip().replace("*", r"\*")] if any(row.measured.sample for row in rows) else []
    notes += [escape_markdown(note) for note in comparability(rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "".join(f"\n\n{note}" for note in notes) + "\n"


def comparability(rows: Sequence[Row]) -> list[str]:
    """List what keeps lines from being compared: what the letters stand for, and what ‡ marks."""
    found = list({row.measured.name: row.measured for row in rows}.values())
    letters = [f"{letter}: {text}." for letter, text in describe_test_sets(found).items()]
    remarks = {row.name: f"{REMARK} {row.name}: {'; '.join(row.remarks)}." for row in rows if row.remarks}
    return [*letters, *remarks.values(), *differing_files(found)]


def escape_markdown(text: str) -> str:
    """Keep a name from being read as a cell's end, as markup or as HTML."""
    for special in "\\|<>*`[]":
        text = text.replace(special, f"\\{special}")
    return text


def csv_text(rows: Sequence[Row]) -> str:
    """Write the table as csv, for spreadsheets and programs: all digits, empty where a number is missing."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    numbers = [name for metric in SHOWN for name in (metric, f"{metric}_sd")]
    writer.writerow(["run", "kind", "rows", "num_rows", "test_set", "generated", "seeds", *numbers, "epoch", "remarks"])
    test_sets = describe_test_sets([row.measured for row in rows])
    for row in rows:
        values = [
            "" if value is None else round(value, 6)
            for metric in SHOWN
            for value in (row.means.get(metric), row.sds.get(metric))
        ]
        seeds = len(row.measured.runs) if row.kind == "measured" else ""
        generated = "yes" if row.measured.sample else "no"
        texts = [guarded(row.name), row.kind, row.part, row.size, row.test_set, generated, seeds]
        remarks = "; ".join([*([test_sets[row.test_set]] if row.test_set else []), *row.remarks])
        writer.writerow([*texts, *values, "" if row.epoch == DASH else row.epoch, guarded(remarks)])
    return file.getvalue()


def print_table(rows: Sequence[Row], lines: Sequence[str]) -> None:
    """Print the table, and what is left out of it, for a terminal of 80 columns or more."""
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
    """Write what one must know to read the table."""
    notes = NOTE.format(letters=": the same letter" if any(row.test_set for row in rows) else "")
    if any(row.kind == "published" for row in rows):
        notes += "The published NDCG@10 of 1.0000 ranked each rating alone, against itself.\n"
    if any(row.sds.get("r2") is not None for row in rows):
        notes += "± is the standard deviation over the seeds.\n"
    notes += "".join(f"{note}\n" for note in comparability(rows))
    return notes + (SAMPLE_NOTE if any(row.measured.sample for row in rows) else "")
