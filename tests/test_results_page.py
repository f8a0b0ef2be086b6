"""docs/results.md and the README's table, from hand-written numbers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from movierec.metrics.published import PUBLISHED
from movierec.report.results import gather
from tools.results_page import replace_table, results_table, write_story

METRICS = {"r2": 0.3, "mae": 0.15, "mse": 0.037, "rmse": 0.19, "precision": 0.6, "recall": 0.7, "ndcg@10": 0.9}
HARDWARE = {"cpu": "Example 9000", "cores": 2, "memory_gb": 8.0, "accelerator": "cpu"}
COMMAND = "python -m movierec reproduce --seeds 2"


def write_run(
    root: Path, name: str, seed: int, *, test: dict[str, float], train: dict[str, float] | None = None, **content: Any
) -> None:
    folder = root / name / f"version_{seed}"
    folder.mkdir(parents=True)
    options = {"release": "ml-latest-small", "split": "random", "fractions": [0.8, 0.1, 0.1], "seed": 123}
    data = {
        "sample": False,
        "row_sets": {"test": content.pop("test_set", "ab")},
        "fingerprint": name,
        "files": {"ml-latest-small/ratings.csv": "abc"},
        "options": options | {"whole_stars": False},
        "rows": {"train": 8000, "val": 1000, "test": content.pop("size", 1000)},
        "ratings": 10_000,
        "users": 10,
        "movies": 20,
    }
    whole: dict[str, Any] = {
        "config": name,
        "seed": seed,
        "epoch": 11,
        "epochs": {"trained": 50, "planned": 50},
        "end": "planned",
        "data": data,
        "inputs": 28,
        "weights": 51_000,
        "train": METRICS | {"rmse_stars": 0.8} | (train or {}),
        "test": METRICS | {"rmse_stars": 0.9} | test,
        "seconds": {"fit": 100.0, "test": 20.0},
        "versions": {"movierec": "0.1.0", "torch": "2.13.0"},
        "hardware": HARDWARE,
    }
    (folder / "metrics.json").write_text(json.dumps(whole | content), encoding="utf-8")


def story(root: Path) -> str:
    """Write the page; its lines are put together, so that a test need not know where they end."""
    path = write_story(gather(root)[0], root / "docs", command=COMMAND)
    return re.sub(r"\n(?=[^\n|#*-])", " ", path.read_text(encoding="utf-8"))


def test_without_any_run_the_page_says_what_is_not_measured(tmp_path: Path) -> None:
    text = story(tmp_path)
    assert text.count("ot measured yet") == 5
    assert "0.4452 to 0.5611" in text


def test_published_numbers_within_tolerance_count_and_the_others_are_listed(tmp_path: Path) -> None:
    train = PUBLISHED["model1"] | {"r2": 0.4252, "mae": 0.1277}  # off by -0.0200, and by 0.006 where 0.005 may be
    write_run(tmp_path, "published/model1", 123, train=train, test={"r2": -0.1})
    text = story(tmp_path)
    assert "| model1 | 0.425 (-0.020) | 0.1277 (+0.0060) |" in text
    assert "5 of 6 are; these are not:\n\n- model1, MAE: +0.0060\n" in text
    assert "lower than on their training rows for 1 of 1, and lies from -0.100 to -0.100" in text
    assert "better to predict the mean" in text


def test_what_is_said_of_unseen_ratings_depends_on_the_numbers(tmp_path: Path) -> None:
    write_run(tmp_path, "published/model1", 123, train={"r2": 0.1}, test={"r2": 0.2})
    write_run(tmp_path, "model1", 123, test={"r2": 0.30})
    write_run(tmp_path, "model1", 124, test={"r2": 0.32})
    text = story(tmp_path)
    assert "lower than on their training rows for 0 of 1, and lies from 0.200 to 0.200" in text
    assert "better to predict the mean" not in text
    # sd 0.0141; the gain of 0.11 is beyond 2 * 0.0141 * sqrt(1.5)
    assert "- model1: R2 0.310 ± 0.014 against 0.200: clearly higher" in text


@pytest.mark.parametrize(
    ("r2", "verdict"), [((0.1, 0.12), "clearly lower"), ((0.1, 0.3), "no clear difference"), ((0.3,), "cannot tell")]
)
def test_a_described_model_is_not_always_called_better(tmp_path: Path, r2: tuple[float, ...], verdict: str) -> None:
    write_run(tmp_path, "published/model1", 123, test={"r2": 0.22})
    for seed, value in enumerate(r2):
        write_run(tmp_path, "model1", seed, test={"r2": value})
    assert verdict in story(tmp_path)


def write_ablation(root: Path, **errors: tuple[float, float]) -> None:
    for name, pair in errors.items():
        for seed, error in enumerate(pair):
            write_run(root, f"ablation/{name}", seed, test={"rmse_stars": error})


def test_feature_sets_are_compared_on_the_same_ratings_with_their_uncertainty(tmp_path: Path) -> None:
    write_ablation(tmp_path, genres=(0.88, 0.89), tmdb=(0.86, 0.87), imdb=(0.88, 0.90), both=(0.95, 0.96))
    text = story(tmp_path)
    assert "the same training, validation and test ratings" in text
    # sd 0.00707 each; the error is sqrt(2 * 0.00005 / 2)
    assert "| and TMDb | 0.300 ± 0.000 | 0.8650 ± 0.0071 | -0.0200 ± 0.0071 | 2 |" in text
    assert "- Genres and TMDb: better than genres alone, by 0.0200 stars." in text
    assert "- Genres and IMDb: no difference that goes beyond the seeds." in text
    assert "- Genres and both: worse than genres alone, by 0.0700 stars." in text


def test_feature_sets_on_other_ratings_are_not_compared(tmp_path: Path) -> None:
    write_run(tmp_path, "ablation/genres", 1, test={"rmse_stars": 0.9})
    write_run(tmp_path, "ablation/tmdb", 1, test={"rmse_stars": 0.8}, test_set="cd")
    text = story(tmp_path)
    assert "the comparison says nothing" in text
    assert "Genres and TMDb:" not in text


def test_the_page_says_where_when_and_how_it_was_measured(tmp_path: Path) -> None:
    write_run(tmp_path, "model5", 123, test={}, epochs={"trained": 31, "planned": 100}, end="early")
    write_run(tmp_path, "model5", 124, test={}, epochs={"trained": 28, "planned": 100}, end="early")
    text = story(tmp_path)
    assert COMMAND in text
    assert "| model5 | 123, 124 | 28 to 31 of 100 | 28 | 51000 |" in text
    assert "model5: 2 of 2 fits stopped before the last epoch" in text
    assert "Example 9000, 2 cores, 8.0 GB of memory, on cpu" in text
    assert "torch 2.13.0" in text
    assert "took 4 min 0 s together" in text


def test_models_that_read_what_is_newer_than_the_ratings_are_named(tmp_path: Path) -> None:
    write_run(tmp_path, "model1", 1, test={})
    assert "look-ahead" not in story(tmp_path)
    for name in ("model2", "ablation/both"):
        path = tmp_path / name / "version_1"
        write_run(tmp_path, name, 1, test={})
        content = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
        content["data"]["options"]["columns"] = ["tmdb_vote_average"]
        (path / "metrics.json").write_text(json.dumps(content), encoding="utf-8")
    text = story(tmp_path)
    assert "**A look-ahead that remains.** model2, ablation/both read averages and counts of votes" in text
    assert "`--data.exclude_columns '[tmdb_vote_average, tmdb_vote_count, imdb_rating," in text


def test_generated_ratings_are_called_so_at_the_top(tmp_path: Path) -> None:
    write_run(tmp_path, "model1", 1, test={}, data={"sample": True, "fingerprint": "f", "rows": {"test": 5}})
    assert story(tmp_path).startswith("# Results\n\n**These ratings were generated.")


def test_the_page_has_no_stray_blank_lines_and_its_tables_are_whole(tmp_path: Path) -> None:
    write_ablation(tmp_path, genres=(0.88, 0.89), tmdb=(0.86, 0.87))
    for name in PUBLISHED:
        write_run(tmp_path, name, 123, test={})
        write_run(tmp_path, f"published/{name}", 123, test={}, train=PUBLISHED[name])
    text = write_story(gather(tmp_path)[0], tmp_path / "docs", command=COMMAND).read_text(encoding="utf-8")
    assert "\n\n\n" not in text
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1
        assert re.fullmatch(r"\|( --- \|)+", table.splitlines()[1])
    for before, after in zip(text.splitlines(), text.splitlines()[1:], strict=False):
        assert not (after.startswith(("|", "- ", "#")) and before and before[0] not in "|- "), f"no gap before {after}"


def test_the_readmes_table_stands_between_its_markers_and_nothing_else_changes(tmp_path: Path) -> None:
    write_run(tmp_path, "model1", 123, test={"r2": 0.3})
    write_run(tmp_path, "model1", 124, test={"r2": 0.32})
    measured = gather(tmp_path)[0]
    readme = tmp_path / "README.md"
    readme.write_text("# é\n<!-- results -->\nold\n<!-- end of results -->\nafter\n", encoding="utf-8")
    assert replace_table(readme, measured)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("# é\n<!-- results -->\nMeasured on ")
    assert text.endswith(f"\n\n{results_table(measured)}\n<!-- end of results -->\nafter\n")
    assert "| model1 | test 1,000 | 0.310 ± 0.014 |" in text
    assert "old" not in text
    assert replace_table(readme, measured)
    assert readme.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", ["no markers\n", "<!-- results -->\nan end is missing\n"])
def test_a_readme_without_both_markers_is_left_alone(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text, encoding="utf-8")
    assert not replace_table(readme, [])
    assert readme.read_text(encoding="utf-8") == text
    assert not replace_table(tmp_path / "absent.md", [])


def retrieval(model: float, popularity: float) -> dict[str, Any]:
    rankings = {"model": model, "popularity": popularity, "film_mean": 0.05}
    metrics = ("ndcg@10", "map@10", "coverage", "novelty")
    ranked = {
        name: dict.fromkeys(metrics, 0.5) | {"recall@10": value, "users": 592.0} for name, value in rankings.items()
    }
    return {"min_ratings": 20, **ranked}


def test_recommendations_stand_beside_those_of_popularity(tmp_path: Path) -> None:
    write_run(tmp_path, "model1", 1, test={}, retrieval=retrieval(0.04, 0.09))
    write_run(tmp_path, "model1", 2, test={}, retrieval=retrieval(0.06, 0.09))
    write_run(tmp_path, "model2", 1, test={}, retrieval=retrieval(0.10, 0.09))
    write_run(tmp_path, "model3", 1, test={})
    text = story(tmp_path)
    assert "of at least 20 training ratings" in text
    assert "| model1 | 592 | the model | 0.050 ± 0.014 | 0.500 | 0.500 | 0.500 | 0.500 |" in text
    assert "| model1 | 592 | the number of ratings | 0.090 | " in text
    assert "| model2 | 592 | the model | 0.100 | " in text
    assert "| model3 | 592" not in text
    assert "the most rated films are found to be liked more often than those that model1 lists: a network" in text


def test_recommendations_that_nobody_measured_are_not_told_of(tmp_path: Path) -> None:
    write_run(tmp_path, "model1", 1, test={})
    assert "Not measured yet: no test has measured what" in story(tmp_path)
