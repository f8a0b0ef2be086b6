"""What TensorBoard shows of runs: read back from their events, and in its own pages."""

import csv
import io
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from torch.utils.tensorboard import SummaryWriter

from movierec.cli import main
from movierec.metrics.registry import METRICS as NAMES
from movierec.models.checkpoint import read_checkpoint, read_model
from movierec.models.model import Model
from movierec.training.tensorboard import show_films, show_fit
from tests.browser import chromium
from tests.small import RUN, SMALL, write_small

PROJECTOR = RUN / "00002" / "films"
START = 60  # seconds, for a server that takes five


@pytest.fixture(scope="module")
def tested_folder(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
    """A folder where the small configuration was trained and tested; tests work on copies."""
    folder = tmp_path_factory.mktemp("tested")
    write_small(folder, sample_root)
    with chdir(folder):
        assert main(["fit", *SMALL, "--histograms", "true"]) == 0
        assert main(["test", *SMALL]) == 0
    return folder


@pytest.fixture
def tested(tested_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tested folder, to run in."""
    folder = tmp_path / "copy"
    shutil.copytree(tested_folder, folder)
    monkeypatch.chdir(folder)
    return folder


def events(run: Path = RUN) -> EventAccumulator:
    return EventAccumulator(
        str(run), size_guidance=dict.fromkeys(("scalars", "images", "tensors", "histograms"), 0)
    ).Reload()


def steps(found: EventAccumulator, tag: str) -> list[int]:
    return [event.step for event in found.Scalars(tag)]


def read_json(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RUN / name).read_text(encoding="utf-8"))
    return content


def test_a_test_writes_diagnostics_of_its_rows_and_checkpoint(tested: Path) -> None:
    found, metrics = read_json("diagnostics.json"), read_json("metrics.json")
    assert (found["part"], found["unit"], found["rows"]) == ("test", "stars", 2_000)
    assert (found["epoch"], found["checkpoint"]) == (metrics["epoch"], metrics["checkpoint"])
    for name in ("calibration", "by_user_ratings"):
        assert sum(found[name]["count"]) == 2_000
    square = sum(n * rmse**2 for n, rmse in zip(*by(found["by_movie_ratings"]), strict=True) if n)
    assert (square / 2_000) ** 0.5 == pytest.approx(metrics["test"]["rmse_stars"], rel=1e-5)


def by(group: dict[str, list[Any]]) -> tuple[list[int], list[float]]:
    return group["count"], group["rmse"]


def test_diagnostics_agree_with_the_predictions_that_predict_writes(tested: Path, sample_root: Path) -> None:
    assert main(["predict", *SMALL]) == 0
    with (RUN / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (sample_root / "ml-latest-small" / "movies.csv").open(encoding="utf-8") as file:
        comedies = {row["movieId"] for row in csv.DictReader(file) if "Comedy" in row["genres"].split("|")}
    errors = [float(row["prediction"]) - float(row["rating"]) for row in rows if row["movie_id"] in comedies]
    genres = read_json("diagnostics.json")["by_genre"]
    place = genres["genre"].index("Comedy")
    assert genres["count"][place] == len(errors)
    assert genres["bias"][place] == pytest.approx(sum(errors) / len(errors), abs=1e-4)


def test_a_test_of_some_batches_writes_no_diagnostics(tested: Path) -> None:
    (RUN / "diagnostics.json").unlink()
    assert main(["test", *SMALL, "--trainer.limit_test_batches", "1", "--data.eval_batch_size", "500"]) == 0
    assert not (RUN / "diagnostics.json").exists()


def test_images_are_the_figures_of_fit_and_test(tested: Path) -> None:
    found = events()
    tags = {tag.removeprefix("figures/") for tag in found.Tags()["images"]}
    assert tags == {
        "learning_curves", "calibration", "errors_by_film_ratings", "errors_by_user_ratings",
        "errors_by_genre",
    }  # fmt: skip
    assert [event.step for event in found.Images("figures/learning_curves")] == [3]
    event = found.Images("figures/calibration")[0]
    assert event.step == read_json("metrics.json")["epoch"]
    pixels = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))
    assert pixels.shape[2] == 3
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20  # not blank


def test_weights_are_shown_after_each_epoch_on_request_alone(tested: Path) -> None:
    found = events()
    shown = {"weights/first.number_weight", "weights/first.bias", "weights/rest.2.weight"}
    assert shown <= set(found.Tags()["histograms"])
    assert [event.step for event in found.Histograms("weights/first.bias")] == [0, 1, 2]
    assert main(["fit", *SMALL, "--trainer.max_epochs", "1"]) == 0
    assert events(RUN.with_name("version_1")).Tags()["histograms"] == []


def test_the_precision_recall_curve_has_one_step_for_each_threshold(tested: Path) -> None:
    curve = events().Tensors("test/rated above the training median")[0].tensor_proto
    assert [dim.size for dim in curve.tensor_shape.dim] == [6, 127]


def test_a_run_has_the_scalars_that_people_look_at_and_no_more(tested: Path) -> None:
    found, metrics = events(), read_json("metrics.json")
    curves = {"train/loss", "train/rmse", "train/r2", "train/learning_rate", "train/seconds"}
    curves |= {f"val/{name}" for name in ("loss", "rmse", "r2", "rmse_stars", "ndcg@10")}
    dots = {f"{part}/{name}" for part in ("val_best", "test") for name in ("rmse_stars", "ndcg@10")}
    assert set(found.Tags()["scalars"]) == curves | dots
    assert [steps(found, tag) for tag in sorted(curves)] == [[0, 1, 2]] * 10
    assert [event.value for event in found.Scalars("train/learning_rate")] == pytest.approx([0.001] * 3)
    seconds = sum(event.value for event in found.Scalars("train/seconds"))
    assert 0 < seconds <= metrics["seconds"]["fit"] + 0.01
    for part, tag in (("val", "val_best"), ("test", "test")):
        for name in ("rmse_stars", "ndcg@10"):
            assert found.Scalars(f"{tag}/{name}")[-1].value == pytest.approx(metrics[part][name], rel=1e-5)


def test_the_learning_rate_of_an_epoch_is_the_one_that_it_was_trained_with(tested: Path) -> None:
    assert main(["fit", *SMALL, "--model.scheduler", "cosine", "--trainer.max_epochs", "2"]) == 0
    rates = [event.value for event in events(RUN.with_name("version_1")).Scalars("train/learning_rate")]
    assert rates == pytest.approx([0.001, 0.0005])  # half-way down from 1 to 0, the cosine is at a half


def test_other_loggers_get_all_metrics(tested: Path) -> None:
    logger = ["--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "csv"]
    assert main(["fit", *SMALL, *logger, "--trainer.max_epochs", "1"]) == 0
    (file,) = Path("csv").rglob("metrics.csv")
    header = file.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert {f"val/{name}" for name in NAMES} <= set(header)


def test_hyperparameters_are_the_options_that_change_numbers(tested: Path) -> None:
    start = plugin_data_pb2.HParamsPluginData.FromString(
        events().summary_metadata["_hparams_/session_start_info"].plugin_data.content
    ).session_start_info
    assert start.hparams["model.network.hidden"].string_value == "[16, 8]"
    assert start.hparams["data.split"].string_value == "random"
    assert start.hparams["seed_everything"].number_value == 123
    assert {"trainer.logger", "data.root", "name"} & set(start.hparams) == set()


def test_a_resumed_run_goes_on_in_its_curves_without_a_double_step_and_without_a_warning(
    tested: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["fit", *SMALL, "--ckpt_path", "last", "--trainer.max_epochs", "5"]) == 0
    assert caplog.text == ""
    found = events()
    for tag in ("train/rmse", "val/rmse", "val/ndcg@10"):
        assert steps(found, tag) == [0, 1, 2, 3, 4]
    assert steps(found, "val_best/rmse_stars") == [5]
    assert [event.step for event in found.Images("figures/learning_curves")] == [5]


def test_resuming_from_an_earlier_epoch_replaces_what_came_after_it(tested: Path) -> None:
    shutil.copy(RUN / "checkpoints" / "last.ckpt", RUN / "checkpoints" / "third.ckpt")
    assert main(["fit", *SMALL, "--ckpt_path", "last", "--trainer.max_epochs", "6"]) == 0
    third = str(RUN / "checkpoints" / "third.ckpt")
    assert main(["fit", *SMALL, "--ckpt_path", third, "--trainer.max_epochs", "4"]) == 0
    assert steps(events(), "val/rmse") == [0, 1, 2, 3]
    assert steps(events(), "train/rmse") == [0, 1, 2, 3]


def test_the_projector_has_a_point_and_a_line_for_each_film_that_was_trained_on(tested: Path) -> None:
    points = np.loadtxt(PROJECTOR / "tensors.tsv", delimiter="\t")
    lines = (PROJECTOR / "metadata.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == ["title", "genres", "first genre", "training ratings"]
    assert len(points) == len(lines) - 1 > 300
    assert points.shape[1] == 16  # no more than the layer is wide
    counts = [int(line.split("\t")[3]) for line in lines[1:]]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == 16_000
    assert (RUN / "projector_config.pbtxt").is_file()


@pytest.fixture
def network(tested: Path) -> Model:
    return read_model(RUN / "checkpoints" / "best.ckpt")


def test_titles_lose_what_would_end_their_cell(network: Model, tmp_path: Path) -> None:
    titles = ["Tab\there", "Line\r\nend", 'A "quoted" title\u2028and more', "", "Matrix, The (1999)"]
    titles += network.tables.titles[len(titles) :]
    network.tables = replace(network.tables, titles=titles)
    with SummaryWriter(str(tmp_path)) as writer:
        show_films(writer, network, np.arange(400, 0, -1), 3)
    lines = (tmp_path / "00003/films/metadata.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in lines[1:6]] == [
        "Tab here", "Line end", 'A "quoted" title and more', f"film {network.tables.movie_ids[3]}",
        "The Matrix (1999)",
    ]  # fmt: skip
    assert len(lines) == 401


def test_a_network_that_diverged_has_no_map(network: Model, tmp_path: Path) -> None:
    network.load_state_dict({name: weight * torch.nan for name, weight in network.state_dict().items()})
    with SummaryWriter(str(tmp_path)) as writer:
        show_films(writer, network, np.ones(400, dtype=int), 3)
    assert list(tmp_path.glob("projector*")) == []


def test_without_tensorboard_a_run_is_trained_and_tested_all_the_same(tested: Path) -> None:
    options = [*SMALL, "--trainer.logger", "false"]
    assert main(["fit", *options, "--trainer.max_epochs", "1"]) == 0
    shutil.rmtree(PROJECTOR)
    assert main(["test", *options, "--ckpt_path", str(RUN / "checkpoints" / "best.ckpt")]) == 0
    assert read_json("diagnostics.json")["rows"] == 2_000
    assert not PROJECTOR.exists()


def test_a_network_that_diverges_is_measured_and_drawn_all_the_same(tested: Path) -> None:
    path = RUN / "checkpoints" / "best.ckpt"
    checkpoint = read_checkpoint(path)
    checkpoint["state_dict"]["model.first.bias"][:] = torch.nan
    torch.save(checkpoint, path)
    assert main(["test", *SMALL]) == 0
    found = read_json("diagnostics.json")
    assert (found["rows"], found["not_finite"]) == (2_000, 2_000)


class Board:
    """TensorBoard on a folder of runs."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})  # noqa: S310 - local
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - local
            content = answer.read()
        return json.loads(content) if answer.headers.get_content_type() == "application/json" else content


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


@contextmanager
def tensorboard(runs: Path) -> Iterator[Board]:
    """Start TensorBoard, wait until it has read the runs, and end it."""
    port = str(free_port())
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(runs), "--host", "127.0.0.1", "--port", port]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--load_fast", "false"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    board = Board(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + START
        while True:
            try:
                if any("test/rmse_stars" in tags for tags in board.get("/data/plugin/scalars/tags").values()):
                    break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, "TensorBoard ended"
            assert time.monotonic() < deadline, "TensorBoard does not show the run"
            time.sleep(0.3)
        yield board
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def board(tested_folder: Path) -> Iterator[Board]:
    with tensorboard(tested_folder / "lightning_logs") as started:
        yield started


NAME = "small/version_0"


def test_tensorboard_itself_reads_what_was_logged(board: Board) -> None:
    assert board.get("/data/runs") == [NAME]
    curve = board.get(f"/data/plugin/scalars/scalars?run={NAME}&tag=val/rmse")
    assert [step for _, step, _ in curve] == [0, 1, 2]
    assert "figures/learning_curves" in board.get("/data/plugin/images/tags")[NAME]
    layout = board.get("/data/plugin/custom_scalars/layout")
    charts = {chart["title"]: chart["multiline"]["tag"] for group in layout["category"] for chart in group["chart"]}
    assert charts["rmse"] == ["train/rmse$", "val/rmse$"]
    assert charts["val/rmse_stars"] == ["val/rmse_stars$"]
    matched = board.get(f"/data/plugin/custom_scalars/scalars?run={NAME}&tag=train/rmse$")
    assert list(matched["tag_to_events"]) == ["train/rmse"]
    assert "weights/first.bias" in board.get("/data/plugin/histograms/tags")[NAME]


def test_tensorboard_lists_one_run_with_hyperparameters_and_metrics_of_both_parts(
    board: Board, tested_folder: Path
) -> None:
    query = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS"], "colParams": [], "startIndex": 0}
    groups = board.get("/data/plugin/hparams/session_groups", query | {"sliceSize": 10})["sessionGroups"]
    assert len(groups) == 1
    assert groups[0]["hparams"]["model.network.hidden"] == "[16, 8]"
    shown = {value["name"]["tag"]: value["value"] for value in groups[0]["metricValues"]}
    metrics = json.loads((tested_folder / RUN / "metrics.json").read_text(encoding="utf-8"))
    assert shown["test/rmse_stars"] == pytest.approx(metrics["test"]["rmse_stars"], rel=1e-5)
    assert shown["val_best/rmse_stars"] == pytest.approx(metrics["val"]["rmse_stars"], rel=1e-5)


def test_options_that_differ_between_runs_are_the_first_columns_of_hparams(tmp_path: Path) -> None:
    for width in (8, 16):
        with SummaryWriter(str(tmp_path / f"run_{width}")) as writer:
            options = {"data.folds": 10, "data.split": "random", "model.network.width": width, "trainer.devices": 1}
            show_fit(writer, options, {"rmse_stars": 0.9}, 3)
            writer.add_scalar("test/rmse_stars", 0.9, 3)
    with tensorboard(tmp_path) as board:
        infos = board.get("/data/plugin/hparams/experiment", {"experimentName": ""})["hparamInfos"]
    assert [info["name"] for info in infos][:2] == ["model.network.width", "data.folds"]


def test_tensorboard_reads_the_map_of_the_films(board: Board, tested_folder: Path) -> None:
    assert board.get("/data/plugin/projector/runs") == [NAME]
    info = board.get(f"/data/plugin/projector/info?run={NAME}")
    assert [embedding["tensorName"] for embedding in info["embeddings"]] == ["films:00002"]
    metadata = board.get(f"/data/plugin/projector/metadata?run={NAME}&name=films:00002").decode()
    points = np.loadtxt(tested_folder / PROJECTOR / "tensors.tsv", delimiter="\t")
    tensor = np.frombuffer(board.get(f"/data/plugin/projector/tensor?run={NAME}&name=films:00002"), dtype=np.float32)
    assert tensor.reshape(points.shape) == pytest.approx(points, rel=1e-5)
    assert len(metadata.splitlines()) == len(points) + 1


PAGES = {
    "scalars": ["test/ndcg@10"],
    "images": ["figures/calibration"],
    "custom_scalars": ["training and validation", "runs compared"],
    "hparams": [NAME, "test/rmse_stars"],
    "pr_curves": ["test/rated above the training median"],
    "projector": ["Points:", "Dimension: 16"],
    "histograms": ["weights/first.bias"],
    "text": ["max_epochs: 3"],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield launched
        launched.close()


def wait_for_text(opened: Any, text: str) -> None:
    """Wait until a text is visible, in the page or in one of the frames that TensorBoard puts a plugin into."""
    deadline = time.monotonic() + START
    while not any(frame.get_by_text(text).filter(visible=True).count() for frame in opened.frames):
        assert time.monotonic() < deadline, f"{opened.url} does not show {text!r}"
        opened.wait_for_timeout(200)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_tensorboard_shows_what_was_logged(page: str, board: Board, browser: Any) -> None:
    opened = browser.new_page(viewport={"width": 1600, "height": 1200})
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(f"{board.address}/#{page}")
    for text in PAGES[page]:
        wait_for_text(opened, text)
    opened.close()
    assert errors == []


def test_the_films_can_be_coloured_by_their_first_genre(board: Board, browser: Any) -> None:
    opened = browser.new_page(viewport={"width": 1600, "height": 1200})
    opened.goto(f"{board.address}/#projector")
    wait_for_text(opened, "Points:")
    (projector,) = (frame for frame in opened.frames if frame.url.endswith("projector_binary.html"))
    projector.locator("#colorby").click()
    projector.get_by_text("first genre").filter(visible=True).first.click()
    wait_for_text(opened, "Comedy")  # in the legend
    opened.close()
