"""The commands of `data`: download and generate data, and check what is there."""

import argparse
from pathlib import Path

from movierec.sources.catalog import RELEASES, SERVER
from movierec.sources.root import default_root


def add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `data` and its actions to the commands."""
    actions = commands.add_parser("data", help="get the data, and check them").add_subparsers(
        metavar="ACTION", required=True
    )
    add_download(actions)
    add_sample(actions)
    add_check(actions)


def add_download(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `data download`."""
    download = actions.add_parser("download", help="download releases of MovieLens from GroupLens")
    download.add_argument("names", nargs="+", metavar="NAME", choices=RELEASES, help=", ".join(RELEASES))
    download.add_argument("--root", type=Path, default=default_root(), help="folder to put them in")
    origin = download.add_mutually_exclusive_group()
    origin.add_argument("--mirror", metavar="URL", default=SERVER, help="another server, which has URL/NAME.zip")
    origin.add_argument("--from-zip", metavar="FILE", type=Path, help="an archive that is here already, of one release")
    download.set_defaults(run=download_named)


def download_named(options: argparse.Namespace) -> int:
    """Download releases."""
    from movierec.errors import ConfigError
    from movierec.sources.download import Origin, download_releases

    names = list(dict.fromkeys(options.names))
    if options.from_zip and len(names) > 1:
        raise ConfigError(f"Expected one release with --from-zip, got {', '.join(names)}. Install one at a time.")
    origin = Origin(server=options.mirror, archive=options.from_zip)
    download_releases([RELEASES[name] for name in names], options.root, origin)
    return 0


def add_sample(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `data sample`."""
    sample = actions.add_parser(
        "sample", help="generate a data set, small or as large as asked, in the published formats"
    )
    sample.add_argument("--root", type=Path, default=Path("data/sample"), help="folder to write to")
    sample.add_argument("--users", type=int, default=300, help="number of users")
    sample.add_argument("--movies", type=int, default=400, help="number of films")
    sample.add_argument("--ratings", type=int, default=20_000, help="number of ratings of each release")
    sample.add_argument("--seed", type=int, default=0, help="the same seed gives the same files")
    sample.add_argument(
        "--releases",
        nargs="+",
        metavar="RELEASE",
        help="which to generate: ml-latest-small, ml-1m or both (default: both); the links that each needs, "
        "in ml-latest-small/links.csv, are written with either",
    )
    sample.set_defaults(run=write_sample)


def write_sample(options: argparse.Namespace) -> int:
    """Generate the sample."""
    from movierec.sources.sample import GENERATED, SampleSize
    from movierec.sources.sample import write_sample as write

    size = SampleSize(
        num_users=options.users,
        num_movies=options.movies,
        num_ratings=options.ratings,
        seed=options.seed,
        releases=tuple(options.releases or GENERATED),
    )
    write(options.root, size)
    config = "model1" if "ml-latest-small" in size.releases else "model5"
    print(
        f"Generated {size.num_ratings:,} ratings by {size.num_users:,} users of {size.num_movies:,} films for "
        f"{' and as many for '.join(size.releases)}, in {options.root}\n"
        f"Try it: python -m movierec fit --config configs/{config}.yaml --config configs/sample.yaml"
        f"{'' if options.root == Path('data/sample') else f' --data.root {options.root}'}"
    )
    return 0


def add_check(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `data check`."""
    check = actions.add_parser(
        "check",
        help="tell what data are there, whether they are whole, and which models can be trained on them",
        epilog="The exit status is 0 when what is there can be trained on, 1 when it is damaged, incomplete or none.",
    )
    check.add_argument(
        "root",
        nargs="?",
        type=Path,
        default=default_root(),
        metavar="ROOT",
        help="folder of the data (default: the environment variable MOVIEREC_DATA, else data)",
    )
    check.add_argument("--json", action="store_true", help="print all that is found as JSON")
    check.add_argument(
        "--releases",
        nargs="+",
        choices=list(RELEASES),
        default=[],
        metavar="RELEASE",
        help=f"which should be there: {', '.join(RELEASES)} (default: those that are)",
    )
    check.set_defaults(run=check_data)


def check_data(options: argparse.Namespace) -> int:
    """Check the data."""
    from movierec.report.check import show
    from movierec.sources.check import check_data as check

    found = check(options.root, options.releases)
    show(found, as_json=options.json)
    return 1 if found.problems else 0
