"""The page and the files beside it, without a browser."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path

import numpy as np
import pytest

from movierec.cli import main
from movierec.metrics.published import PUBLISHED
from movierec.report.page import write_report
from movierec.report.results import gather

WriteRun = Callable[..., Path]
HOSTILE = "\"quoted\" 'title' & <script>alert(1)<"


def page_of(runs: Path) -> str:
    found, lines = gather(runs)
    return write_report(found, lines, runs.parent / "out").read_text(encoding="utf-8")


def words_of(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page.split("</style>")[1]).split())


def test_the_answer_comes_before_the_numbers(runs: Path, write_run: WriteRun) -> None:
    for seed, error in enumerate((0.80, 0.81, 0.82)):
        write_run("model1", seed, seed=seed, error=error)
    words = words_of(page_of(runs))
    order = ["model1 is off by 0.810 ± 0.010 stars", "How sure", "All numbers", "Each configuration"]
    assert sorted(order, key=words.index) == order
    assert "on ratings it has never seen, mean and standard deviation over 3 seeds." in words


def test_training_rows_are_called_so_beside_each_number_of_theirs(runs: Path, write_run: WriteRun) -> None:
    write_run("published/model1")
    write_run("model1")
    rows = re.findall(r'<tr class="(.*?)">(.*?)</tr>', page_of(runs), flags=re.DOTALL)
    marked = [(kind, "<td>training" in cells, "<td>test" in cells) for kind, cells in rows]
    assert marked == [
        ("published train", True, False),
        ("measured train", True, False),
        *([("published train", True, False)] * 4),
        ("measured held-out", False, True),
        ("measured held-out", False, True),
    ]


def test_test_rows_are_described_as_those_of_their_models_beside_lists_of_others(
    runs: Path, write_run: WriteRun
) -> None:
    write_run("lists", test=None, retrieval={"model": {"users": 3}}, options={"seed": 7})
    write_run("model1", options={"seed": 8})
    write_run("model2", options={"seed": 9})
    headings = re.findall(r"Test rows (.): .*? seed (\d+)", unescape(page_of(runs)))
    assert headings == [("A", "8"), ("B", "9")]


@pytest.mark.parametrize(("trained", "said"), [(50, True), (2, False)])
def test_a_reproduction_is_said_to_run_the_same_way_only_with_the_notebooks_epochs(
    runs: Path, write_run: WriteRun, trained: int, *, said: bool
) -> None:
    write_run("published/model1", epochs={"trained": trained, "planned": trained})
    assert ("run the same way" in words_of(page_of(runs)).lower()) == said


def test_lists_stand_in_the_page_with_the_baselines_once(runs: Path, write_run: WriteRun) -> None:
    values = dict.fromkeys(("ndcg@10", "map@10", "coverage", "novelty"), 0.5) | {"users": 592.0}
    for name, recall in (("model1", 0.0401), ("model2", 0.0502)):
        ranked = {"model": values | {"recall@10": recall}, "popularity": values | {"recall@10": 0.0903}}
        write_run(name, retrieval={"min_ratings": 20, **ranked})
    words = words_of(page_of(runs))
    assert "Ranked by Users recall@10 NDCG@10 MAP@10 coverage novelty personality" in words
    assert "model1 592 0.040" in words
    assert "model2 592 0.050" in words
    assert words.count("popularity 592 0.090") == 1
    assert "Test rows: ml-latest-small, split time" not in words
    write_run("time/model1", retrieval={"model": values | {"recall@10": 0.0701}}, options={"split": "time"})
    assert (
        "Test rows: ml-latest-small, split time 80/10/10, seed 123" in words_of(page_of(runs)).split("Lists of ten")[1]
    )


def test_a_page_of_lists_alone_shows_no_table_of_ratings(runs: Path, write_run: WriteRun) -> None:
    ranked = {"model": {"recall@10": 0.24, "users": 592.0}}
    write_run("model7", retrieval=ranked, train=None, test=None)
    words = words_of(page_of(runs))
    assert "model7 592 0.240" in words
    assert "report, model1" not in words


def test_models_of_the_same_test_rows_are_drawn_side_by_side_and_one_model_with_nothing(
    runs: Path, write_run: WriteRun
) -> None:
    errors = np.random.default_rng(0).normal(0, 0.8, 500)
    write_run("model1", errors=errors)
    assert "Side by side" not in words_of(page_of(runs))
    write_run("model2", errors=errors / 2, error=0.4)
    page = page_of(runs)
    assert "Side by side" in words_of(page)
    assert 'alt="RMSE in stars less the 0.400 of model2: model1 +0.4' in page


def test_cards_data_seeds_times_versions_and_settings_are_there(runs: Path, write_run: WriteRun) -> None:
    changes = {"data": {"ratings_left_out": 12}, "hardware": {"cpu": "2 cores"}}
    run = write_run("model1", config={"model": {"lr": 0.125}}, **changes)
    (run / "card.md").write_text("## Where it errs")
    words = words_of(page_of(runs))
    for text in (
        "seeds: - 123", "ratings: 10000 ratings_left_out: 12 users: 610", "fingerprint: f1", "cpu: 2 cores",
        "fractions: - 0.8 - 0.1 - 0.1 seed: 123", "inputs: 28 weights: 50689", "fit: 31.5 test: 0.4",
        "movierec: 0.1.0 python: 3.11.7", "lr: 0.125", "Card ## Where it errs",
    ):  # fmt: skip
        assert text in words


def test_leaks_and_columns_newer_than_the_ratings_are_there(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    assert "Looks ahead" not in words_of(page_of(runs))
    write_run("model1", 1, options={"columns": ["imdb_rating"]}, data={"leaks": ["statistics: self_inclusive"]})
    words = words_of(page_of(runs))
    assert "Looks ahead model1 reads imdb_rating" in words
    assert "leaks: - 'statistics: self_inclusive'" in unescape(words)
    assert "newer_than_ratings: - imdb_rating" in words


def test_what_was_left_out_is_named(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    (write_run("model2") / "metrics.json").write_text("{", encoding="utf-8")
    assert "model2/version_0: metrics.json is damaged" in words_of(page_of(runs))


def test_generated_ratings_are_called_so_above_all(runs: Path, write_run: WriteRun) -> None:
    write_run("sample/model1", data={"sample": True})
    words = words_of(page_of(runs))
    assert words.index("are measured on a generated sample") < words.index("sample/model1 is off by")


def test_a_name_a_setting_and_a_value_are_escaped(runs: Path, write_run: WriteRun) -> None:
    write_run(HOSTILE, config={"note": "</pre><script>alert(2)</script>"}, hardware="<i>fast</i>", test={"r2": 0.1})
    page = page_of(runs)
    assert "<script" not in page
    assert "<i>fast" not in page
    assert str(escape(HOSTILE)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page


@pytest.mark.parametrize(
    "name", ["a$\\frac{b$c", "$", "x\x1b[31mred", "=1+1", "{{ 7 * 7 }}", "<img src=x onerror=alert(1)>"]
)
def test_a_name_is_shown_as_it_is_and_means_nothing(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = write_run(name, config={"model": {"lr": 0.125}})
    content = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    (folder / "metrics.json").write_text(json.dumps(content | {"config": name}), encoding="utf-8")
    out = runs.parent / "out"
    assert main(["report", "--runs", str(runs), "--out", str(out)]) == 0
    assert "\x1b" not in capsys.readouterr().out
    shown = name.replace("\x1b", "")
    page = (out / "index.html").read_text(encoding="utf-8")
    assert unescape(page).count(shown) > 1
    assert "<img src=x" not in page
    assert "\x1b" not in page
    assert (out / "table.csv").read_text(encoding="utf-8").splitlines()[6].startswith("'=" if name[0] == "=" else shown)
    for drawing in (out / "figures").rglob("*.svg"):
        ET.fromstring(drawing.read_text(encoding="utf-8"))  # noqa: S314 - our own file


def test_the_page_names_nothing_that_it_would_have_to_fetch(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    page = page_of(runs)
    assert set(re.findall(r'src="(.{5})', page)) <= {"data:"}
    assert set(re.findall(r'href="(.*?)"', page)) == {"data:,", "table.csv"}
    assert "url(" not in page
    assert "@import" not in page


def test_figures_lie_beside_the_page_as_png_and_svg(runs: Path, write_run: WriteRun) -> None:
    errors = np.random.default_rng(0).normal(0, 0.8, 500)
    write_run("model1", errors=errors)
    write_run("model2", errors=errors / 2, error=0.4)
    page = page_of(runs)
    names = [path.name for path in (runs.parent / "out" / "figures").rglob("*") if path.is_file()]
    assert names
    assert {Path(name).stem for name in names if name.endswith(".png")} == {
        Path(name).stem for name in names if name.endswith(".svg")
    }
    assert page.count("<img") == len(names) / 2
    assert 'alt=""' not in page


def test_a_run_of_an_older_version_makes_a_page(runs: Path, write_run: WriteRun) -> None:
    gone = ("seed", "epochs", "unit_scale", "inputs", "weights", "seconds", "versions", "train")
    write_run("published/model1", **dict.fromkeys(gone), test={"r2": 0.2, "rmse": None})
    assert "0.200" in words_of(page_of(runs))


def test_report_prints_the_table_and_writes_the_page(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("model1", 0, error=0.9)
    write_run("model1", 1, error=0.8)
    out = runs.parent / "out"
    assert main(["report", "--runs", str(runs), "--out", str(out)]) == 0
    output = capsys.readouterr().out
    assert output.endswith(f"page: {out / 'index.html'}\n")
    assert "1 older run" in output
    assert (out / "table.csv").is_file()


def test_report_with_all_shows_each_run(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", 0, error=0.9)
    write_run("model1", 1, error=0.8)
    out = runs.parent / "out"
    assert main(["report", "--runs", str(runs), "--out", str(out), "--all"]) == 0
    assert [line.split(",")[0] for line in (out / "table.csv").read_text().splitlines()] == [
        "run", *['"report' for _ in PUBLISHED], "model1/version_0", "model1/version_1",
    ]  # fmt: skip


def test_no_tested_run_is_an_error_that_says_what_to_do_and_writes_nothing(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("model1", test={})
    out = runs.parent / "out"
    assert main(["report", "--runs", str(runs), "--out", str(out)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert f"Expected tested runs in {runs}, found none" in output.err
    assert "python -m movierec fit" in output.err
    assert "model1/version_0: trained, not tested" in output.err
    assert not out.exists()
