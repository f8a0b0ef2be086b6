"""Train and test every shipped configuration over several seeds; interrupted runs are resumed."""

from collections.abc import Iterator, Sequence
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

FIRST_SEED = 123  # the seed of a fit that names none, whose run then counts
LARGE, LARGE_SEEDS = "model5", 2  # takes longer than all others together
PATIENCE = "configs/patience.yaml"
PUBLISHED = tuple(f"published/model{number}" for number in range(1, 6))  # once, with the notebook's own seeds
DESCRIBED = tuple(f"model{number}" for number in range(1, 5))
ABLATION = tuple(f"ablation/{name}" for name in ("genres", "tmdb", "imdb", "both"))
NAMES = (*PUBLISHED, *DESCRIBED, *ABLATION, LARGE)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run to train and test: a configuration with a seed.

    Attributes:
        name: Name of the configuration and its runs.
        configs: The configuration and its overlays.
        seed: The seed of the network.
        config: All resolved options, as in a run's config.yaml.
        fingerprint: Fingerprint of the data and their options.
    """

    name: str
    configs: tuple[str, ...]
    seed: int
    config: dict[str, Any]
    fingerprint: str

    def __str__(self) -> str:
        """Name the job in messages."""
        return f"{self.name}, seed {self.seed}"


def plan(*, seeds: int, full: bool, only: Sequence[str], overlays: Sequence[str], root: Path | None) -> list[Job]:
    """List the runs: the published configurations once, the others over seeds, the largest last.

    Args:
        seeds: Number of seeds of each described configuration; at most two of the largest.
        full: Whether to train all epochs of the largest model.
        only: Names to keep, with `*` as a wildcard; empty for all.
        overlays: Configurations to add after each.
        root: The data root, if not the default.

    Raises:
        ConfigError: A name matches no configuration, or `seeds` is below 1.
        MissingDataError: A data file is missing.
    """
    if seeds < 1:
        raise ConfigError(f"Expected --seeds of 1 or more, got {seeds}.")
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in NAMES):
            raise ConfigError(f"Expected --only with some of {', '.join(NAMES)}; got {pattern}.")
    jobs: list[Job] = []
    for name in NAMES:
        if only and not any(fnmatchcase(name, pattern) for pattern in only):
            continue
        configs = (f"configs/{name}.yaml", *([PATIENCE] if name == LARGE and not full else []), *overlays)
        count = min(seeds, LARGE_SEEDS) if name == LARGE else seeds
        jobs += resolve(name, configs, () if name in PUBLISHED else range(FIRST_SEED, FIRST_SEED + count), root)
    return jobs


def resolve(name: str, configs: tuple[str, ...], seeds: Sequence[int], root: Path | None) -> Iterator[Job]:
    """Resolve a configuration, and make a job of each seed, or of its own seed if none is given."""
    given, _ = split_configs(arguments_of(configs, {"data.root": root}))
    cli = ExperimentCLI("fit", given)
    config, data = yaml.safe_load(cli.resolved), cli.datamodule
    missing = [file for file in file_names(data.root, data.options) if not (data.root / file).is_file()]
    if missing:
        listed = "".join(f"\n- {file}: {how_to_get(data.root, file)}" for file in missing)
        raise MissingDataError(f"Expected all data of {name} in {data.root}; missing are:{listed}")
    fingerprint = describe_origin(data.root, data.options)["fingerprint"]
    for seed in seeds or (config["seed_everything"],):
        seeded = config | {"seed_everything": seed, "name": name}
        yield Job(name=name, configs=configs, seed=seed, config=seeded, fingerprint=fingerprint)


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
    """Train and test a job, resuming an earlier run.

    Returns:
        A line about the result.
    """
    run = find_run(job, runs)
    place = {"trainer.default_root_dir": runs.parent}
    if run is not None:
        fit(run.config, options=place, resume=True)
    else:
        root = job.config["data"]["init_args"]["root"]
        seeded = {"seed_everything": job.seed, "data.root": root}
        fit(*job.configs, options=place | {name: value for name, value in seeded.items() if value}, name=job.name)
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
        place = f"[{number}/{len(jobs)}] {job}"
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
