"""Write the card of a tested run: what it is, how good it is, where it errs, and what to know before passing it on.

All of it is computed from the files of the run.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from movierec.data.split import REFIT
from movierec.datasets.catalog import RELEASES
from movierec.metrics.bootstrap import rmse_interval
from movierec.metrics.caveats import newer_columns
from movierec.metrics.registry import BASELINES, LIST_METRICS, METRICS, RANKINGS
from movierec.metrics.test_rows import PredictedRows
from movierec.runs import Run, replace_text

FEW = 16  # training ratings of a user who is almost new, or of a rare film; a bound of the groups in diagnostics.json
LEAST = 30  # errors of a group that is worth a line
GENRES = 2  # that are named, of the best and of the worst
TERMS = {
    "tmdb": "TMDb's (https://www.themoviedb.org/api-terms-of-use), which ask for consent before training on them",
    "omdb": "OMDb's: CC BY-NC 4.0",
}
Sections = dict[str, list[str]]


def write_card(run: Run) -> None:
    """Write card.md beside a tested run."""
    parts = [f"# {run.read_metrics().get('config', run.path.parent.name)}"]
    parts += ["\n".join([f"## {heading}", "", *lines]) for heading, lines in describe_run(run).items()]
    replace_text(run.path / "card.md", "\n\n".join(parts) + "\n")


def read_card(run: Run) -> str | None:
    """Read the card of a run; None before its test."""
    path = run.path / "card.md"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


def describe_run(run: Run) -> Sections:
    """Describe a tested run: lines of Markdown by heading."""
    content, diagnostics = run.read_metrics(), run.read_diagnostics()
    sections = {
        "What it is": list(what(content)),
        "Data": list(data(content)),
        "How good it is": list(how_good(run, content)),
        "Where it errs": list(where(diagnostics)),
        "Look-ahead": list(look_ahead(content)),
        "People in it": [
            "The checkpoint contains the ratings of the people it was trained on. To pass the model on without them:",
            "",
            f"    python -m movierec export {run.path.as_posix()} OUT.ckpt",
        ],
        "How to load it": [
            "```python",
            "from movierec import Recommender",
            f'recommender = Recommender.from_checkpoint("{(run.path / content.get("checkpoint", "")).as_posix()}")',
            "recommender.recommend(ratings={1: 5.0, 260: 4.0})  # stars by film id",
            "```",
        ],
    }
    return {heading: lines for heading, lines in sections.items() if lines}


def what(content: Mapping[str, Any]) -> Iterator[str]:
    """Name the model, its size and its training."""
    model, epochs, code = content.get("model", {}), content.get("epochs", {}), content.get("code") or {}
    network = model.get("init_args", {}).get("network") or {}
    names = [name_of(one) for one in (model, network) if "class_path" in one]
    task = "Predicts the stars that people give films" if content.get("test") else "Orders films for people's lists"
    yield f"- {task}. {' with '.join(names)}: {content.get('weights', 0):,} weights."
    yield (
        f"- Epoch {content.get('epoch', 0) + 1} of {epochs.get('trained')}, chosen on validation ratings; seed "
        f"{content.get('seed')}; trained by movierec {content.get('versions', {}).get('movierec')}, revision "
        f"{str(code.get('revision'))[:8]}{' with changes' if code.get('dirty') else ''}."
    )
    if refit := content.get("refit"):
        yield f"- Refit: trained once more, on {REFIT[refit]}."


def name_of(described: Mapping[str, Any]) -> str:
    """Name a class without its module."""
    return f"`{str(described['class_path']).rpartition('.')[2]}`"


def data(content: Mapping[str, Any]) -> Iterator[str]:
    """Name the data, their terms, and the split."""
    found = content.get("data", {})
    options, rows = found.get("options", {}), found.get("rows", {})
    release = options.get("release")
    if found.get("sample"):
        yield "- **Generated ratings**: films, users and ratings are invented. The numbers say nothing about a model."
    elif release in RELEASES:
        yield f"- MovieLens {release}, which {RELEASES[release].redistribution}."
        yield from (f"- Film metadata under the terms of {TERMS[name]}." for name in options.get("sources", []))
    ratings, users, films = (found.get(name, 0) for name in ("ratings", "users", "movies"))
    yield f"- {ratings:,} ratings of {users:,} users and {films:,} films."
    yield f"- Columns: {', '.join(options.get('columns', [])) or 'none'}."
    yield (
        f"- Split: {options.get('split')}, seed {options.get('seed')}: {rows.get('train', 0):,} training, "
        f"{rows.get('val', 0):,} validation and {rows.get('test', 0):,} test ratings; "
        f"{found.get('ratings_left_out', 0):,} left out for missing metadata."
    )
    yield from (f"- Leak: {leak}." for leak in found.get("leaks", []))


def how_good(run: Run, content: Mapping[str, Any]) -> Iterator[str]:
    """Tabulate the metrics of the test ratings beside the baselines, with 95 % intervals."""
    names: tuple[str, ...] = ("rmse_stars", "mae_stars", "r2")
    rows = PredictedRows.read(run.path)
    if test := content.get("test"):
        span = rmse_interval([rows]) if rows else None
        yield table_row(["ratings", *(METRICS[name].heading for name in names)])
        yield table_row(["---"] * (len(names) + 1))
        yield table_row(
            ["this model", *(with_interval(test.get(name), span if name == names[0] else None) for name in names)]
        )
        for key, label in BASELINES.items():
            if measured := content.get("baselines", {}).get(key):
                yield table_row([label, *(METRICS[name].format(measured.get(name)) for name in names)])
        yield ""
    if retrieval := content.get("retrieval"):
        names = ("ndcg@10", "recall@10")
        users = round(retrieval.get("model", {}).get("users", 0))
        yield table_row([f"lists of {users:,} users", *(LIST_METRICS[name].heading for name in names)])
        yield table_row(["---"] * (len(names) + 1))
        for key, label in RANKINGS.items():
            if measured := retrieval.get(key):
                spans = measured.get("intervals", {})
                yield table_row([label, *(with_interval(measured.get(name), spans.get(name)) for name in names)])
        yield ""
    yield "In brackets: 95 % intervals over users. What another seed changes is not in them."


def table_row(cells: list[str]) -> str:
    """Write a row of a table."""
    return f"| {' | '.join(cells)} |"


def with_interval(value: float | None, span: Any) -> str:
    """Write a value and its interval, if there is one."""
    if value is None:
        return "-"
    return f"{value:.4f}" + (f" ({span[-2]:.4f} to {span[-1]:.4f})" if span else "")


def where(diagnostics: Mapping[str, Any]) -> Iterator[str]:
    """Compare the errors of almost new users, of rare films and of genres with those of the others."""
    for key, name in ("by_user_ratings", "users"), ("by_movie_ratings", "films"):
        groups = diagnostics.get(key, {})
        is_few = np.array(groups.get("lower", [])) < FEW
        few, many = pooled(groups, is_few), pooled(groups, ~is_few)
        if few:
            others = f"; of the others, {many}" if many else ""
            yield f"- RMSE of {name} with fewer than {FEW} training ratings: {few}{others}."
    genres = diagnostics.get("by_genre", {})
    known = [
        (error, genre)
        for genre, count, error in zip(*(genres.get(name, []) for name in ("genre", "count", "rmse")), strict=True)
        if count >= LEAST and error is not None
    ]
    if len(known) > 2 * GENRES:
        known.sort()
        best, worst = (
            ", ".join(f"{genre} ({error:.3f})" for error, genre in part)
            for part in (known[:GENRES], known[: -GENRES - 1 : -1])
        )
        yield f"- RMSE by genre: lowest for {best}; highest for {worst}."


def pooled(groups: Mapping[str, Any], chosen: np.ndarray) -> str:
    """Pool the errors of groups; empty without any."""
    count = np.array(groups.get("count", []), dtype=np.float64)[chosen]
    if not count.sum():
        return ""
    squares = np.array([error or 0.0 for error in groups["rmse"]])[chosen] ** 2
    return f"{np.sqrt(count @ squares / count.sum()):.3f} stars ({int(count.sum()):,} ratings)"


def look_ahead(content: Mapping[str, Any]) -> Iterator[str]:
    """Say what a model knows that was not known at the time of the tested ratings."""
    found = content.get("data", {})
    if newer := newer_columns(found):
        yield (
            f"- It reads {', '.join(newer)}: averages and counts of votes from the day they were fetched, after the "
            "ratings. On new films with few votes, it may be worse than measured."
        )
    else:
        yield "- It reads no column that is newer than the ratings."
    split = found.get("options", {}).get("split")
    if split != "time":
        yield f"- With the split `{split}`, some training ratings are newer than some test ratings."
