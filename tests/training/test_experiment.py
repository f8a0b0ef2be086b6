"""fit, validate, test and predict as a user meets them: what they print, refuse and leave behind."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from movierec.cli import main
from movierec.data.batches import RatingDataset
from movierec.data.preparation import hash_pairs
from movierec.metrics.bootstrap import rmse_interval
from movierec.metrics.test_rows import PredictedRows, read_lists
from movierec.models.checkpoint import read_checkpoint
from movierec.training.rating_task import RatingTask
from tests.small import BEST, LAST, RUN, SMALL, write_small

Fail = Callable[..., str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_root: Path) -> Path:
    """An empty folder to run in, with a small configuration."""
    monkeypatch.chdir(tmp_path)
    write_small(tmp_path, sample_root)
    return tmp_path


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
    """A folder where the small configuration was trained; tests work on copies."""
    folder = tmp_path_factory.mktemp("trained")
    write_small(folder, sample_root)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["fit", *SMALL]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def trained(trained_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained folder, to run in."""
    folder = tmp_path / "copy"
    shutil.copytree(trained_folder, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str]) -> Fail:
    """Run a command that must end with one error message and status 1; return the message."""

    def run(*args: str) -> str:
        assert main(list(args)) == 1
        message = capsys.readouterr().err
        assert message.startswith("movierec: error: ")
        assert "Traceback" not in message
        return message

    return run


def read_metrics(run: Path = RUN) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return content


def numbers(run: Path) -> dict[str, Any]:
    """All of metrics.json that does not depend on the clock."""
    return {name: value for name, value in read_metrics(run).items() if name != "seconds"}


def weights(path: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = read_checkpoint(path)["state_dict"]
    return state


def test_fit_says_where_it_logs_and_what_to_type_next(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", *SMALL]) == 0
    output = capsys.readouterr().out
    for text in (f"logging to {RUN}", "16,000 to train", "NDCG@10", str(BEST), "movierec test --config small.yaml"):
        assert text in output


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(trained: Path) -> None:
    for options in ([], ["--seed_everything", "7"]):
        assert main(["fit", *SMALL, *options]) == 0
    for version in range(3):
        run = RUN.with_name(f"version_{version}")
        assert main(["test", "--config", str(run / "config.yaml"), "--ranking_users", "20"]) == 0
    first, again, other = (numbers(RUN.with_name(f"version_{version}")) for version in range(3))
    assert first == again
    assert all(first[part] != other[part] for part in ("train", "val", "test", "retrieval"))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_any_number_of_loader_workers_gives_the_same_numbers_and_weights(workers: str, trained: Path) -> None:
    other = RUN.with_name("version_1")
    assert main(["fit", *SMALL, "--data.num_workers", workers]) == 0
    for run in (RUN, other):
        assert main(["test", "--config", str(run / "config.yaml"), "--ranking_users", "0"]) == 0
    assert numbers(RUN) == numbers(other)
    first, second = weights(BEST), weights(other / "checkpoints" / "best.ckpt")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_test_keeps_the_seed_of_the_fit_whatever_its_own(here: Path) -> None:
    assert main(["fit", *SMALL, "--seed_everything", "7"]) == 0
    assert main(["test", *SMALL]) == 0
    assert read_metrics()["seed"] == 7


def test_the_numbers_of_fit_validate_and_test_agree_and_go_into_the_run(trained: Path) -> None:
    fitted = read_metrics()
    assert main(["validate", *SMALL]) == 0
    assert read_metrics()["val"] == fitted["val"]
    assert main(["test", *SMALL]) == 0
    tested = read_metrics()
    assert tested["val"] == pytest.approx(fitted["val"], abs=1e-6)
    assert {"train", "val", "test"} <= tested.keys()
    assert set(tested["seconds"]) == {"fit", "validate", "test"}
    assert [path.name for path in RUN.parent.iterdir()] == ["version_0"]


def test_a_test_measures_the_lists_beside_those_of_the_baselines(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", *SMALL, "--ranking_users", "50"]) == 0
    output = capsys.readouterr().out
    for text in ("lists of 50 users", "model", "popularity", "item-kNN", "coverage", "novelty", "personality"):
        assert text in output
    found = read_metrics()["retrieval"]
    assert found["min_ratings"] == 20
    assert {name: found[name]["users"] for name in ("model", "popularity", "item_knn")} == {
        "model": 50, "popularity": 50, "item_knn": 50
    }  # fmt: skip
    assert 0 < found["popularity"]["recall@10"] < 1
    assert main(["test", *SMALL, "--ranking_users", "0"]) == 0
    assert "lists of" not in capsys.readouterr().out
    assert read_metrics()["retrieval"] == found
    assert main(["test", *SMALL, "--ckpt_path", "last", "--ranking_users", "0"]) == 0
    assert "retrieval" not in read_metrics()


def test_best_is_the_epoch_of_the_lowest_validation_error(trained: Path) -> None:
    events = EventAccumulator(str(RUN)).Reload()
    curve = {event.step: event.value for event in events.Scalars("val/rmse")}
    best = min(curve, key=lambda epoch: curve[epoch])
    assert read_checkpoint(BEST)["epoch"] == best == read_metrics()["epoch"]
    assert read_checkpoint(BEST.with_name("last.ckpt"))["epoch"] == 2
    assert read_metrics()["val"]["rmse"] == pytest.approx(curve[best], rel=1e-6)


def test_tensorboard_gets_curves_over_epochs_charts_config_and_hparams(trained: Path) -> None:
    events = EventAccumulator(str(RUN)).Reload()
    tags = events.Tags()
    for part in ("train", "val"):
        for name in ("loss", "r2", "rmse", *(["ndcg@10"] if part == "val" else ["learning_rate", "seconds"])):
            assert [event.step for event in events.Scalars(f"{part}/{name}")] == [0, 1, 2]
    assert "config/text_summary" in tags["tensors"]
    assert b"max_epochs: 3" in events.Tensors("config/text_summary")[0].tensor_proto.string_val[0]
    assert "custom_scalars__config__" in tags["tensors"]
    assert "_hparams_/session_start_info" in events.summary_metadata
    assert events.Scalars("val_best/rmse_stars")[0].value == pytest.approx(read_metrics()["val"]["rmse_stars"])


def test_a_checkpoint_holds_plain_types_and_all_that_scoring_needs(trained: Path) -> None:
    checkpoint = torch.load(BEST, weights_only=True)
    tables = checkpoint["tables"]
    assert tables["movie_features"].shape[0] == len(json.loads(tables["titles"])) == len(tables["movie_ids"]) == 400
    assert tables["user_statistics"].shape[:2] == (11, 300)
    assert (len(tables["history_movies"]), len(tables["seen_movies"])) == (16_000, 20_000)
    assert len(tables["record"]["fingerprint"]) == 64
    tables_of_network = ("labels", "numbers", "movie_statistics", "user_statistics")
    assert not any(name.endswith(tables_of_network) for name in checkpoint["state_dict"])


def test_predict_writes_the_test_rows_with_titles_and_stars(trained: Path) -> None:
    assert main(["predict", *SMALL]) == 0
    with (RUN / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["user_id", "movie_id", "title", "rating", "prediction"]
    assert len(rows) == 2_000
    assert any(row["title"].startswith("The ") for row in rows)
    assert not any(", The " in row["title"] for row in rows)
    error = [float(row["prediction"]) - float(row["rating"]) for row in rows]
    assert main(["test", *SMALL]) == 0
    rmse = (sum(e * e for e in error) / len(error)) ** 0.5
    assert rmse == pytest.approx(read_metrics()["test"]["rmse_stars"], abs=1e-4)


def test_predict_guards_titles_that_a_spreadsheet_would_compute(trained: Path, sample_root: Path) -> None:
    shutil.copytree(sample_root, "hostile")
    movies = Path("hostile/ml-latest-small/movies.csv")
    frame = pd.read_csv(movies)
    frame.assign(title="=1+1 " + frame["title"]).to_csv(movies, index=False)
    options = [*SMALL, "--data.root", "hostile", "--trainer.max_epochs", "1", "--name", "hostile"]
    assert main(["fit", *options]) == 0
    assert main(["predict", *options, "--out", "hostile.csv"]) == 0
    with Path("hostile.csv").open(encoding="utf-8", newline="") as file:
        assert {row["title"][:5] for row in csv.DictReader(file)} == {"'=1+1", "The ="}


def test_predict_takes_pairs_and_keeps_their_order(trained: Path, fail: Fail, sample_root: Path) -> None:
    with (sample_root / "ml-latest-small" / "ratings.csv").open(encoding="utf-8") as file:
        known = [(row["userId"], row["movieId"]) for row in csv.DictReader(file)][:5][::-1]
    pairs = Path("pairs.csv")
    pairs.write_text("userId,movieId\n" + "".join(f"{user},{movie}\n" for user, movie in known))
    assert main(["predict", *SMALL, "--data.pairs", "pairs.csv", "--out", "out/mine.csv"]) == 0
    with Path("out/mine.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["user_id"], row["movie_id"]) for row in rows] == known
    assert {row["rating"] for row in rows} == {""}
    pairs.write_text("userId,movieId\n1,999999\n")
    assert "pairs.csv, line 2: film 999999 is not in the ratings" in fail(
        "predict", *SMALL, "--data.pairs", "pairs.csv"
    )


def test_resuming_goes_on_in_the_same_run(trained: Path) -> None:
    assert main(["fit", *SMALL, "--ckpt_path", "last", "--trainer.max_epochs", "5"]) == 0
    assert [path.name for path in RUN.parent.iterdir()] == ["version_0"]
    curve = EventAccumulator(str(RUN)).Reload().Scalars("val/rmse")
    assert [event.step for event in curve] == [0, 1, 2, 3, 4]
    assert read_checkpoint(BEST.with_name("last.ckpt"))["epoch"] == 4


def test_a_checkpoint_alone_scores_a_pair_without_trainer_or_data(trained: Path, sample_root: Path) -> None:
    assert main(["predict", *SMALL]) == 0
    with (RUN / "predictions.csv").open(encoding="utf-8") as file:
        first = next(iter(csv.DictReader(file)))
    task = RatingTask.load_from_checkpoint(BEST).eval()
    tables = task.tables
    assert tables is not None
    user = torch.searchsorted(tables.user_ids, int(first["user_id"]))
    movie = torch.searchsorted(tables.movie_ids, int(first["movie_id"]))
    with torch.no_grad():
        unit = task(user[None], movie[None], torch.tensor([tables.scoring_bank]))
    assert tables.to_stars(unit).item() == pytest.approx(float(first["prediction"]), abs=1e-4)


def test_metrics_json_describes_one_checkpoint(trained: Path) -> None:
    assert main(["test", *SMALL]) == 0
    assert main(["fit", *SMALL, "--ckpt_path", "last", "--trainer.max_epochs", "4"]) == 0
    assert "test" not in read_metrics()
    assert read_metrics()["epochs"] == {"trained": 4, "planned": 4}
    assert main(["test", *SMALL]) == 0
    assert "test" in read_metrics()
    assert main(["validate", *SMALL, "--ckpt_path", str(RUN / "checkpoints" / "last.ckpt")]) == 0
    assert (read_metrics()["epoch"], read_metrics()["checkpoint"]) == (3, "checkpoints/last.ckpt")
    assert "test" not in read_metrics()  # that was of best.ckpt


def test_a_test_of_some_batches_does_not_count(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_metrics()
    assert main(["test", *SMALL, "--trainer.limit_test_batches", "0.5", "--data.eval_batch_size", "500"]) == 0
    assert read_metrics() == before
    output = capsys.readouterr().out
    assert "some of 2,000" in output
    assert "metrics.json" not in output
    assert main(["test", *SMALL, "--trainer.limit_val_batches", "0.5", "--ranking_users", "0"]) == 0
    assert "test" in read_metrics()  # which reads no validation batches


def test_a_worse_epoch_does_not_replace_the_best_on_resume_from_another_folder(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = BEST.read_bytes()
    shutil.move("lightning_logs", "moved")
    other = Path("elsewhere")
    other.mkdir()
    shutil.move("moved", other / "lightning_logs")
    config = (other / RUN / "config.yaml").absolute()
    resumed = ["fit", "--config", str(config), "--ckpt_path", "last", "--trainer.max_epochs", "4"]
    assert main(resumed) == 0
    scores = read_checkpoint(other / BEST)["callbacks"]
    assert any("best_model_score" in state for state in scores.values())
    curve = EventAccumulator(str(other / RUN)).Reload().Scalars("val/rmse")
    if curve[-1].value >= min(event.value for event in curve[:-1]):
        assert (other / BEST).read_bytes() == best
    else:
        assert read_checkpoint(other / BEST)["epoch"] == 3


def test_a_runs_own_config_means_that_run(trained: Path) -> None:
    assert main(["fit", *SMALL]) == 0
    assert main(["test", "--config", str(RUN / "config.yaml")]) == 0
    assert "test" in read_metrics()
    assert "test" not in read_metrics(RUN.with_name("version_1"))


def test_what_to_type_next_works_whatever_options_were_given(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", *SMALL, "--model.optimizer.lr", "0.01", "--name", "mine/own"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("next:"))
    command = line.removeprefix("next:").split()
    assert command[:3] == ["python", "-m", "movierec"]
    assert main(command[3:]) == 0


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("test", ["--out", "x.csv"], "--out only with predict"),
        ("fit", ["--ranking_users", "5"], "--ranking_users only with test"),
        ("fit", ["--data.pairs", "x.csv"], "--data.pairs only with predict"),
        ("fit", ["--ckpt_path", "last", "--seed_everything", "7"], "seed_everything is 7 here, 123 there"),
        ("fit", ["--ckpt_path", "last", "--trainer.max_epochs", "1"], "is from epoch 3, and trainer.max_epochs is 1"),
        ("fit", ["--checkpoint.monitor", "val/rms"], "one of val/loss, val/r2"),
        ("fit", ["--trainer.enable_checkpointing", "false"], "enable_checkpointing"),
    ],
)
def test_what_cannot_be_done_is_refused(
    command: str, options: list[str], message: str, trained: Path, fail: Fail
) -> None:
    text = fail(command, *SMALL, *options)
    assert message in text
    assert "unexpected" not in text


def test_a_run_can_be_tested_from_its_checkpoint_alone(trained: Path) -> None:
    assert main(["test", "--ckpt_path", str(BEST)]) == 0
    assert "test" in read_metrics()


@pytest.mark.parametrize("command", ["test", "fit"])
def test_a_hyperparameter_that_differs_from_the_checkpoint_is_refused(command: str, trained: Path, fail: Fail) -> None:
    message = fail(command, *SMALL, "--model.optimizer.lr", "0.5", "--ckpt_path", "last")
    assert "model.optimizer.lr is 0.5 here, 0.001 there" in message


@pytest.mark.parametrize(
    ("option", "value"), [("--data.seed", "5"), ("--data.missing", "impute"), ("--data", "TMDbDataModule")]
)
def test_a_checkpoint_on_other_data_or_features_is_refused(option: str, value: str, trained: Path, fail: Fail) -> None:
    message = fail("test", *SMALL, option, value)
    assert "Expected the data that the checkpoint was trained on" in message
    assert option.removeprefix("--").replace("data", "data.").replace("..", ".") in message


@pytest.mark.parametrize("which", ["best", "last", "nowhere.ckpt"])
def test_a_checkpoint_that_is_not_there_is_an_error(which: str, here: Path, fail: Fail) -> None:
    assert "found none" in fail("test", *SMALL, "--ckpt_path", which)


def test_a_damaged_checkpoint_is_an_error(trained: Path, fail: Fail) -> None:
    BEST.write_bytes(BEST.read_bytes()[:-1000])
    assert "damaged" in fail("test", *SMALL)


def test_another_programs_checkpoint_is_an_error(trained: Path, fail: Fail) -> None:
    torch.save({"state_dict": {}}, BEST)
    assert "another program's" in fail("test", *SMALL)


def test_a_checkpoint_that_would_run_code_is_refused(trained: Path, fail: Fail) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, ("harmed",)

    torch.save({"state_dict": Payload()}, BEST)
    assert "damaged or something else" in fail("test", *SMALL)
    assert not Path("harmed").exists()


def test_missing_data_are_named_with_the_ways_to_get_them(here: Path, fail: Fail) -> None:
    message = fail("fit", *SMALL, "--data.root", "nowhere")
    for text in (
        "data download ml-latest-small --root nowhere",
        "--data.download true",
        "MOVIEREC_DATA",
        "data sample",
    ):
        assert text in message


@pytest.mark.parametrize("args", [[], ["--data.root", "data/sample"]])
def test_a_fit_of_nothing_in_particular_asks_for_a_configuration(args: list[str], here: Path, fail: Fail) -> None:
    assert "Expected a configuration, such as --config configs/model1.yaml" in fail("fit", *args)


def test_a_configuration_that_is_no_yaml_is_named_with_its_line(here: Path, fail: Fail) -> None:
    Path("bad.yaml").write_text("model:\n  hidden: [16\n", encoding="utf-8")
    assert "bad.yaml, line 3: expected YAML" in fail("fit", *SMALL, "--config", "bad.yaml")


def test_predictions_can_be_given_as_pairs(trained: Path) -> None:
    assert main(["predict", *SMALL, "--out", "first.csv"]) == 0
    assert main(["predict", *SMALL, "--data.pairs", "first.csv", "--out", "second.csv"]) == 0
    first, second = (pd.read_csv(name) for name in ("first.csv", "second.csv"))
    assert first["prediction"].tolist() == second["prediction"].tolist()


def test_a_file_that_cannot_be_written_is_named_and_not_called_unexpected(trained: Path, fail: Fail) -> None:
    Path("taken").write_text("a file where a folder should be", encoding="utf-8")
    message = fail("predict", *SMALL, "--out", "taken/predictions.csv")
    assert "taken" in message
    assert "unexpected" not in message


def test_a_misspelt_option_is_an_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", *SMALL, "--model.hiden", "[8]"])
    assert stop.value.code == 2
    assert "Did you mean --model.network.hidden?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["fit", *SMALL, "--trainer.max_epoch", "1"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--data.batch_size", "0"),
        ("--model.network.dropout", "1.5"),
        ("--data.split", "fair"),
    ],
)
def test_a_value_out_of_range_is_an_error(
    option: str, value: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", *SMALL, option, value])
    assert stop.value.code == 2
    assert value in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_ctrl_c_keeps_the_last_epoch_and_says_how_to_go_on(here: Path) -> None:
    command = [sys.executable, "-m", "movierec", "fit", *SMALL, "--trainer.max_epochs", "100000"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    last = RUN / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 120
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"go on with: python -m movierec fit --config {RUN}/config.yaml --resume" in errors
    assert "Traceback" not in errors
    epochs = read_checkpoint(last)["epoch"] + 1
    assert f"All up to epoch {epochs} is kept" in errors
    assert read_metrics()["val"] == read_checkpoint(BEST)["metrics"]["val"]


def test_a_user_and_a_film_unseen_in_training_are_scored(here: Path, sample_root: Path) -> None:
    shutil.copytree(sample_root, "grown")
    folder = Path("grown/ml-latest-small")
    for name, line in {
        "ratings": "9999,99999,4.0,1700000000",  # newer than all others, so in the test part alone
        "movies": "99999,New (2023),Comedy",
        "links": "99999,9999999,",
    }.items():
        with (folder / f"{name}.csv").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    options = [*SMALL, "--data.root", "grown", "--data.split", "time"]
    assert main(["fit", *options]) == 0
    assert main(["test", *options]) == 0
    assert math.isfinite(read_metrics()["test"]["rmse_stars"])
    assert main(["predict", *options]) == 0
    with (RUN / "predictions.csv").open(encoding="utf-8") as file:
        newest = list(csv.DictReader(file))[-1]
    assert (newest["user_id"], newest["movie_id"], newest["title"]) == ("9999", "99999", "New (2023)")
    assert 0.5 <= float(newest["prediction"]) <= 5


@pytest.mark.parametrize("batch_size", ["1", "4999"])
def test_batches_of_one_and_batches_that_do_not_divide_work(batch_size: str, here: Path) -> None:
    limits = ["--trainer.limit_train_batches", "5", "--trainer.max_epochs", "1"]
    assert main(["fit", *SMALL, *limits, "--data.batch_size", batch_size]) == 0
    assert read_metrics()["val"] == read_checkpoint(BEST)["metrics"]["val"]


def test_batch_normalisation_refuses_a_batch_of_one(here: Path, fail: Fail) -> None:
    assert "2 rows in each batch" in fail(
        "fit", *SMALL, "--model.network.normalisation", "batch", "--data.batch_size", "1"
    )


@pytest.mark.parametrize("scheduler", ["cosine", "plateau"])
def test_a_scheduler_changes_the_numbers_or_waits(scheduler: str, trained: Path) -> None:
    assert main(["fit", *SMALL, "--model.scheduler", scheduler]) == 0
    same = read_metrics()["val"] == read_metrics(RUN.with_name("version_1"))["val"]
    assert same == (scheduler == "plateau")  # three epochs are too few for a plateau


def test_fast_dev_run_trains_a_batch_and_leaves_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", *SMALL, "--trainer.fast_dev_run", "true"]) == 0
    assert "nothing was saved" in capsys.readouterr().out
    assert not Path("lightning_logs").exists()


def test_a_gpu_gives_the_numbers_of_the_cpu(trained: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU here")
    assert main(["test", *SMALL, "--trainer.accelerator", "cpu"]) == 0
    on_cpu = read_metrics()["test"]
    assert main(["test", *SMALL, "--trainer.accelerator", "gpu"]) == 0
    assert read_metrics()["test"] == pytest.approx(on_cpu, abs=1e-4)


def test_a_logger_of_ones_own_leaves_a_whole_run_that_is_resumed_and_reported(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = [*SMALL, "--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "out"]
    assert main(["fit", *own, "--trainer.max_epochs", "1"]) == 0
    assert f"run:        {RUN}\n" in capsys.readouterr().out
    assert main(["fit", *own, "--trainer.max_epochs", "2", "--resume"]) == 0
    assert f"going on from {LAST}" in capsys.readouterr().out
    assert main(["test", *own, "--ranking_users", "0"]) == 0
    assert main(["report"]) == 0
    assert "small,measured,test" in Path("report/table.csv").read_text()
    assert read_metrics()["epochs"] == {"trained": 2, "planned": 2}
    assert [path.name for path in Path("lightning_logs").glob("*/*")] == ["version_0"]
    assert "val/rmse" in Path("out/lightning_logs/version_0/metrics.csv").read_text()
    assert list(Path("out").rglob("*.ckpt")) == []


def test_predictions_that_go_elsewhere_leave_the_run_as_it_was(trained: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in RUN.rglob("*")}
    assert main(["predict", *SMALL, "--out", "mine.csv"]) == 0
    assert {path: path.stat().st_mtime_ns for path in RUN.rglob("*")} == before


def test_a_path_that_is_no_utf8_is_trained_on_and_tested(here: Path, sample_root: Path) -> None:
    root = here / "caf\udce9"  # a byte that is no UTF-8, as Python names it
    root.symlink_to(sample_root)
    assert main(["fit", *SMALL, "--trainer.max_epochs", "1", "--data.root", str(root)]) == 0
    assert main(["test", "--config", str(RUN / "config.yaml"), "--ranking_users", "0"]) == 0


def test_the_home_folder_is_known_in_options_configurations_and_the_environment(
    here: Path, monkeypatch: pytest.MonkeyPatch, sample_root: Path
) -> None:
    monkeypatch.setenv("HOME", str(here))
    (here / "ml").symlink_to(sample_root)
    write_small(here, Path("~/ml"))
    small = ["--config=~/small.yaml", "--trainer.max_epochs=1"]
    assert main(["fit", *small, "--trainer.default_root_dir=~/runs"]) == 0
    best = Path("~/runs") / BEST
    assert main(["predict", *small, f"--ckpt_path={best}", "--out=~/mine.csv"]) == 0
    assert main(["predict", *small, f"--ckpt_path={best}", "--data.pairs=~/mine.csv", "--out=~/again.csv"]) == 0
    assert main(["recommend", f"--ckpt_path={best}", "--all", "--out=~/lists.csv"]) == 0
    monkeypatch.setenv("MOVIEREC_DATA", "~/ml")
    (here / "small.yaml").write_text("data: RatingsDataModule\n")
    assert (
        main(
            [
                "fit",
                *small,
                f"--initial_checkpoint={best}",
                "--model.network.hidden=[16, 8]",
                "--model.network.dropout=0.2",
            ]
        )
        == 0
    )
    assert all((here / name).is_file() for name in ("mine.csv", "again.csv", "lists.csv"))
    assert not (here / "~").exists()


def test_worker_processes_that_send_no_batch_are_an_error(
    here: Path, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("movierec.data.batches.WORKER_SECONDS", 1)
    monkeypatch.setattr(RatingDataset, "__getitem__", lambda *_: time.sleep(60))  # as one that has no shared memory
    message = fail("fit", *SMALL, "--data.num_workers", "1")
    assert "Expected batches from worker processes (data.num_workers is 1), got none: DataLoader timed out" in message
    assert "Use --data.num_workers 0" in message


def test_nothing_is_left_of_weights_between_two_runs(trained: Path) -> None:
    assert main(["fit", *SMALL]) == 0
    first, second = weights(BEST), weights(RUN.with_name("version_1") / "checkpoints" / "best.ckpt")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_test_keeps_its_rows_and_the_lists_of_each_user_from_which_its_metrics_follow(trained: Path) -> None:
    assert main(["test", *SMALL, "--ranking_users", "50"]) == 0
    rows, lists, metrics = PredictedRows.read(RUN), read_lists(RUN), read_metrics()
    assert rows is not None
    assert lists is not None
    assert rmse_interval([rows]).value == pytest.approx(metrics["test"]["rmse_stars"], abs=1e-6)
    assert len(rows.rating) == metrics["data"]["rows"]["test"]
    assert hash_pairs(rows.user_id, rows.movie_id) == metrics["data"]["row_sets"]["test"]
    for ranking, table in lists.groupby("ranking"):
        assert table["ndcg@10"].mean() == pytest.approx(metrics["retrieval"][ranking]["ndcg@10"])
        assert table["user_id"].nunique() == 50
    assert main(["test", *SMALL, "--ckpt_path", "last", "--ranking_users", "0"]) == 0
    assert read_lists(RUN) is None  # those were of another checkpoint
    (RUN / "test_rows.parquet").write_bytes(b"PAR1")
    assert PredictedRows.read(RUN) is None
