"""Train and test the runs that docs/results.md shows; interrupted ones are resumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from movierec.console import duration
from movierec.data.options import describe_origin, file_names
from movierec.datasets.root import how_to_get
from movierec.errors import ConfigError, MissingDataError, MovierecError
from movierec.runs import ROOT, Run, differing_options, find_runs
from movierec.training.cli import ExperimentCLI
from movierec.training.commands import arguments_of, fit, test
from movierec.training.config import split_configs

SAME, TIME = ("same_rows",), ("same_rows", "time")  # overlays
SMALL = ("baseline/bias", "model6", "model6_combined", "model7", "model8", "model8_blend")
NETWORKS = ("model1", "model2", "model3", "model4")
LARGE = ("baseline/bias", "model7", "model6_1m", "model6_large")
HISTORIES = ("model8", "model8_blend")
SEEDS = (124, 125)  # of further splits
CURVE = ("baseline/bias", "model7", "model6_1m", "model1", "model5")
ML_1M = {"data.release": "ml-1m"}
SHARES = (0.03, 0.1, 0.3)  # of the training ratings; 1 is among the other runs
PATIENT = ("model3", "model4", "model5")  # whose epochs take long: stop when validation no longer improves
# What stands before the runs' names, models, overlays and options; what takes longest comes last.
GROUPS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], dict[str, Any]], ...] = (
    ("", SMALL, SAME, {}),
    ("", SMALL, TIME, {}),
    *((f"split_{seed}/", SMALL, SAME, {"data.seed": seed}) for seed in SEEDS),
    *(("ml-1m/", LARGE, overlays, ML_1M) for overlays in (SAME, TIME)),
    *(("ml-1m/", HISTORIES, overlays, ML_1M | {"data.batch_size": 256}) for overlays in (SAME, TIME)),
    *((f"split_{seed}/ml-1m/", LARGE[:3], SAME, ML_1M | {"data.seed": seed}) for seed in SEEDS),
    ("", NETWORKS, SAME, {}),
    ("", NETWORKS, TIME, {}),
    ("", tuple(f"published/model{number}" for number in range(1, 6)), (), {}),
    *((f"ml-1m/share_{share}/", CURVE, SAME, ML_1M | {"data.train_share": share}) for share in SHARES),
    *(("ml-1m/", ("model1", "model5"), overlays, ML_1M) for overlays in (SAME, TIME)),
)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run to train and test.

    Attributes:
        name: Name of the run.
        configs: The configuration and its overlays.
        options: Further options, by their names on the command line.
        config: All resolved options, as in a run's config.yaml.
        fingerprint: Fingerprint of the data and their options.
    """

    name: str
    configs: tuple[str, ...]
    options: Mapping[str, Any]
    config: dict[str, Any]
    fingerprint: str


def experiments() -> dict[str, tuple[tuple[str, ...], dict[str, Any]]]:
    """List the configurations and the options of all runs, by the runs' names."""
    return {
        before + "/".join([*reversed(overlays), model]): (
            tuple(f"configs/{one}.yaml" for one in (model, *overlays, *(["patience"] if model in PATIENT else []))),
            options,
        )
        for before, models, overlays, options in GROUPS
        for model in models
    }


def plan(*, only: Sequence[str], overlays: Sequence[str], root: Path | None) -> list[Job]:
    """List the runs.

    Args:
        only: Names to keep, with `*` as a wildcard; empty for all.
        overlays: Configurations to add after each.
        root: The data root, if not the default.

    Raises:
        ConfigError: A name matches no run.
        MissingDataError: A data file is missing.
    """
    known = experiments()
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise ConfigError(f"Expected --only with some of {', '.join(known)}; got {pattern}.")
    return [
        resolve(name, (*configs, *overlays), options, root)
        for name, (configs, options) in known.items()
        if not only or any(fnmatchcase(name, pattern) for pattern in only)
    ]


def resolve(name: str, configs: tuple[str, ...], options: Mapping[str, Any], root: Path | None) -> Job:
    """Resolve the options of a run, and look for its data."""
    given = {**options, "data.root": root}
    cli = ExperimentCLI("fit", split_configs(arguments_of(configs, given))[0])
    data = cli.datamodule
    missing = [file for file in file_names(data.root, data.options) if not (data.root / file).is_file()]
    if missing:
        listed = "".join(f"\n- {file}: {how_to_get(data.root, file)}" for file in missing)
        raise MissingDataError(f"Expected all data of {name} in {data.root}; missing are:{listed}")
    fingerprint = describe_origin(data.root, data.options)["fingerprint"]
    config = yaml.safe_load(cli.resolved)
    return Job(name=name, configs=configs, options=given, config=config, fingerprint=fingerprint)


def find_run(job: Job, runs: Path) -> Run | None:
    """Find the newest run with the job's options and data, finished or not."""
    for run in reversed([run for name, run in find_runs(runs) if name == job.name]):
        known = run.read_metrics().get("data", {}).get("fingerprint", job.fingerprint)
        if known == job.fingerprint and run.config.is_file():
            config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
            if not differing_options(config, job.config):
                return run
    return None


def is_done(run: Run | None) -> bool:
    """Tell whether a run is trained to its end and its best checkpoint is tested."""
    content = run.read_metrics() if run else {}
    is_best = content.get("checkpoint") == "checkpoints/best.ckpt"
    is_tested = "test" in content or "retrieval" in content  # a list model has metrics of lists only
    return content.get("end") in ("planned", "early") and is_tested and is_best


def do(job: Job, runs: Path) -> str:
    """Train and test a job, resuming an earlier run, and return a line about the result."""
    run = find_run(job, runs)
    place = {"trainer.default_root_dir": runs.parent}
    if run is not None:
        fit(run.config, options=place, resume=True)
    else:
        fit(*job.configs, options={**job.options, **place}, name=job.name)
        run = find_run(job, runs)
    assert run is not None
    test(run.config, options=place)
    return describe_result(run.read_metrics())


def describe_result(content: dict[str, Any]) -> str:
    """Describe the test of a run in a line, from its metrics.json."""
    if "test" in content:
        measured, rows = content["test"], content["data"]["rows"]["test"]
        result = f"R2 {measured['r2']:.3f}, RMSE {measured['rmse_stars']:.4f} stars on {rows:,} test rows"
    else:
        result = f"NDCG@10 {content['retrieval']['model']['ndcg@10']:.4f} of lists"
    seconds = content["seconds"]["fit"] + content["seconds"]["test"]
    return f"{result} at epoch {content['epoch'] + 1} of {content['epochs']['trained']}, in {duration(seconds)}"


def reproduce(jobs: Sequence[Job], runs: Path) -> list[Job]:
    """Train and test all jobs, one after another, and print the progress.

    Args:
        jobs: The jobs.
        runs: The folder of all runs; its last part is `lightning_logs`.

    Returns:
        The failed jobs; their errors have been printed.

    Raises:
        ConfigError: The folder is not named `lightning_logs`.
        KeyboardInterrupt: Ctrl-C; the message says what is kept.
    """
    if runs.name != ROOT:
        raise ConfigError(f"Expected --runs to name a folder {ROOT}, where fit writes; got {runs}.")
    failed = []
    for number, job in enumerate(jobs, start=1):
        place = f"[{number}/{len(jobs)}] {job.name}"
        if is_done(find_run(job, runs)):
            print(f"{place}: done before", flush=True)
            continue
        print(f"{place} ...", flush=True)
        try:
            print(f"{place}: {do(job, runs)}", flush=True)
        except MovierecError as error:
            failed.append(job)
            print(f"{place}: FAILED. {error}", flush=True)
        except KeyboardInterrupt as stop:
            raise type(stop)(
                f"{str(stop) or 'interrupted.'}\nThe same command goes on; {number - 1} of {len(jobs)} runs are done."
            ) from stop
    return failed
