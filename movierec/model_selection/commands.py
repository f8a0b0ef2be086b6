"""The commands that choose between models and pass them and their data on."""

import argparse
import re
from pathlib import Path

from movierec.console import busy, expand_home
from movierec.errors import ConfigError


def add_reproduce(command: argparse.ArgumentParser) -> None:
    """Add the options of `reproduce`."""
    command.description = (
        "Train and test the runs of docs/results.md, one after another: all models on the same ratings, on other "
        "splits, split by time, on shares of MovieLens 1M, and as the report's notebook ran them. This takes hours. "
        "Stop with Ctrl-C; the same command continues, and finished runs are not repeated."
    )
    add = command.add_argument
    add("--root", type=expand_home, help="folder of the data (default: MOVIEREC_DATA, else data)")
    add("--runs", type=expand_home, default=Path("lightning_logs"), help="folder of the runs (default: lightning_logs)")
    only = "runs to train, such as same_rows/model6 'published/*' (default: all)"
    add("--only", nargs="+", default=[], metavar="NAME", help=only)
    add("--overlay", nargs="+", default=[], metavar="CONFIG", help="configurations to add after each one")
    add("--plan", action="store_true", help="show the runs that are left, without running them")
    command.set_defaults(run=run_reproduce)


def run_reproduce(options: argparse.Namespace) -> int:
    """Run `reproduce`.

    Returns:
        The exit status: 1 if a run has failed.
    """
    with busy("loading PyTorch and Lightning"):
        from movierec.model_selection.reproduce import find_run, is_done, plan, reproduce
        from movierec.training.commands import set_up_process

    set_up_process()
    with busy("reading the configurations"):
        jobs = plan(only=options.only, overlays=options.overlay, root=options.root)
    if options.plan:
        pending = [job.name for job in jobs if not is_done(find_run(job, options.runs))]
        print(f"{len(jobs) - len(pending)} of {len(jobs)} runs are done. To do:", *pending, sep="\n")
        return 0
    failed = reproduce(jobs, options.runs)
    for job in failed:
        print(f"failed: {job.name}. Fix the error in its message, and start again.")
    print(f"next: python -m movierec report --runs {options.runs}")
    return 1 if failed else 0


def add_compare(command: argparse.ArgumentParser) -> None:
    """Add the options of `compare`."""
    command.description = (
        "Compare the RMSE and the NDCG@10 of runs that were tested on the same ratings: differences with "
        "95 % bootstrap intervals by user, and p-values of a permutation test, corrected by Holm's method."
    )
    add = command.add_argument
    add("names", nargs="+", metavar="RUN", help="a run's folder, or a name: its newest tested run")
    add("--runs", type=expand_home, default=Path("lightning_logs"), help="folder of the runs")
    command.set_defaults(run=run_compare)


def run_compare(options: argparse.Namespace) -> int:
    """Run `compare`."""
    with busy("loading pandas"):
        from movierec.model_selection.compare import compare_runs

    compare_runs(options.names, options.runs)
    return 0


def add_export(command: argparse.ArgumentParser) -> None:
    """Add the options of `export`."""
    command.description = (
        "Write the best checkpoint of a run without its users: no ratings, statistics or weights of single "
        "users. It serves new users only: recommend --ratings FILE, or --user_id new."
    )
    add = command.add_argument
    add("folder", type=expand_home, metavar="RUN", help="a run's folder, or a checkpoint")
    add("out", type=expand_home, metavar="OUT.ckpt", help="the file to write")
    command.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> int:
    """Run `export`."""
    with busy("loading PyTorch"):
        from movierec.models.export import export
        from movierec.runs import Run, existing_checkpoint

    folder: Path = options.folder
    export(existing_checkpoint(Run(folder).checkpoints / "best.ckpt" if folder.is_dir() else folder), options.out)
    print(f"Wrote {options.out}. It holds no ratings of single users; how often each film got how many stars, it does.")
    return 0


def add_export_split(command: argparse.ArgumentParser) -> None:
    """Add the options of `data export-split`."""
    command.description = (
        "Write train.csv, val.csv and test.csv (userId, movieId, rating, timestamp) of the split of a "
        "configuration; and where it holds users out, history.csv, the ratings by which these are known."
    )
    add = command.add_argument
    add("--config", action="append", required=True, metavar="CONFIG", help="a configuration, and overlays after it")
    add("--root", type=expand_home, help="folder of the data (default: what the configuration says)")
    add("out", type=expand_home, metavar="OUT", help="the folder to write to")
    command.set_defaults(run=run_export_split)


def run_export_split(options: argparse.Namespace) -> int:
    """Run `data export-split`."""
    with busy("loading PyTorch and Lightning"):
        from movierec.data.export import export_split
        from movierec.training.cli import ExperimentCLI
        from movierec.training.commands import arguments_of, quiet
        from movierec.training.config import split_configs

    quiet()
    given, _ = split_configs(arguments_of(options.config, {"data.root": options.root}))
    for part, number in export_split(ExperimentCLI("fit", given).datamodule, options.out).items():
        print(f"{options.out / part}.csv: {number:,} ratings")
    return 0


def add_crossval(command: argparse.ArgumentParser) -> None:
    """Add the options of `crossval`."""
    command.description = (
        "Deal all ratings, or the users, into folds at random; train on all folds but one and test on that "
        "one, in turn. Or train on the past and test on what came next. Stop with Ctrl-C; the same command continues."
    )
    add = command.add_argument
    add("--config", action="append", required=True, metavar="CONFIG", help="a configuration, and overlays after it")
    add("--against", action="append", default=[], metavar="CONFIG", help="another one, on the same folds")
    ways = "what is dealt into folds: ratings, users (held out of training), or parts of the time (default: ratings)"
    add("--over", choices=("ratings", "users", "time"), default="ratings", help=ways)
    add("--folds", type=int, default=5, metavar="N", help="number of folds (default: 5)")
    add("--root", type=expand_home, help="folder of the data (default: what the configuration says)")
    add("--out", type=expand_home, default=Path("crossval"), help="folder of the folds and runs (default: crossval)")
    command.set_defaults(run=run_crossval)


def run_crossval(options: argparse.Namespace) -> int:
    """Run `crossval`."""
    with busy("loading PyTorch and Lightning"):
        from movierec.model_selection.crossval import crossval
        from movierec.training.commands import set_up_process

    set_up_process()
    models = [tuple(configs) for configs in (options.config, options.against) if configs]
    crossval(models, num_folds=options.folds, root=options.root, out=options.out, over=options.over)
    return 0


def add_tune(command: argparse.ArgumentParser) -> None:
    """Add the options of `tune`."""
    command.description = (
        "Train with other options, chosen by Optuna from what earlier trials reached on the validation "
        "ratings, and write the best configuration. Stop with Ctrl-C; the same command continues."
    )
    add = command.add_argument
    add("--config", action="append", required=True, metavar="CONFIG", help="a configuration, and overlays after it")
    add("--space", metavar="FILE", help="the options to vary (default: configs/tune/..., by the model)")
    add("--trials", type=int, default=50, metavar="N", help="number of trials, earlier ones included (default: 50)")
    add("--time", type=seconds, metavar="TIME", help="start no trial after so long: 90s, 30m, 2h")
    add("--root", type=expand_home, help="folder of the data (default: what the configuration says)")
    add("--out", type=expand_home, default=Path("tune"), help="folder of the searches (default: tune)")
    command.set_defaults(run=run_tune)


def seconds(text: str) -> float:
    """Read a duration: `90s`, `30m` or `2h`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected a duration such as 90s, 30m or 2h; got {text!r}")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def run_tune(options: argparse.Namespace) -> int:
    """Run `tune`.

    Raises:
        ConfigError: Optuna is not installed.
    """
    with busy("loading PyTorch, Lightning and Optuna"):
        try:
            import optuna
        except ModuleNotFoundError as error:
            raise ConfigError(
                "Expected Optuna for tune, which is not installed: pip install 'movierec[tune]'."
            ) from error
        from movierec.model_selection.tune import Search
        from movierec.training.commands import set_up_process

    set_up_process()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search = Search(options.config, space=options.space, root=options.root, out=options.out)
    search.run(trials=options.trials, seconds=options.time)
    search.report()
    return 0
