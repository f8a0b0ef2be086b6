"""The commands of `data`: download, fetch, generate and check data."""

import argparse
from pathlib import Path

import yaml

from movierec.console import busy, expand_home, quoted
from movierec.datasets.catalog import RELEASES, SERVER
from movierec.datasets.root import default_root

DEFAULT_ROOT = "(default: that of the environment variable MOVIEREC_DATA, else data)"


def add_download(command: argparse.ArgumentParser) -> None:
    """Add the options of `data download`."""
    sizes = ", ".join(f"{release.name} ({release.megabytes:g} MB)" for release in RELEASES.values())
    add = command.add_argument
    add("names", nargs="+", metavar="NAME", choices=RELEASES, help=sizes)
    add("--root", type=expand_home, default=default_root(), help=f"folder to put them in {DEFAULT_ROOT}")
    origin = command.add_mutually_exclusive_group()
    origin.add_argument(
        "--mirror", metavar="URL", default=SERVER, help="another server that has URL/NAME.zip (default: %(default)s)"
    )
    origin.add_argument("--from-zip", metavar="FILE", type=expand_home, help="a downloaded archive of one release")
    add("--again", action="store_true", help="replace releases that are already there")
    command.set_defaults(run=download_named)


def download_named(options: argparse.Namespace) -> int:
    """Download releases."""
    from movierec.datasets.download import download_releases
    from movierec.errors import ConfigError

    names = list(dict.fromkeys(options.names))
    if options.from_zip and len(names) > 1:
        raise ConfigError(f"Expected one release with --from-zip, got {', '.join(names)}. Install one at a time.")
    download_releases(
        [RELEASES[name] for name in names],
        options.root,
        server=options.mirror,
        archive=options.from_zip,
        again=options.again,
    )
    return 0


def add_sample(command: argparse.ArgumentParser) -> None:
    """Add the options of `data sample`."""
    add = command.add_argument
    add("--root", type=expand_home, default=Path("data/sample"), help="folder to write to (default: %(default)s)")
    add("--users", type=int, default=300, help="number of users (default: %(default)s)")
    add("--movies", type=int, default=400, help="number of films (default: %(default)s)")
    add("--ratings", type=int, default=20_000, help="number of ratings of each release (default: %(default)s)")
    add("--seed", type=int, default=0, help="the same seed gives the same files (default: %(default)s)")
    command.set_defaults(run=write_sample)


def write_sample(options: argparse.Namespace) -> int:
    """Generate the sample."""
    from movierec.datasets.sample import SampleSize
    from movierec.datasets.sample import write_sample as write

    size = SampleSize(
        num_users=options.users, num_movies=options.movies, num_ratings=options.ratings, seed=options.seed
    )
    with busy("generating ratings"):
        write(options.root, size)
    print(
        f"Generated {size.num_ratings:,} ratings by {size.num_users:,} users of {size.num_movies:,} films for "
        f"each of {', '.join(size.releases)}, in {options.root}\n"
        "Try it: python -m movierec fit --config configs/model1.yaml --config configs/sample.yaml"
        f"{'' if options.root == Path('data/sample') else f' --data.root {quoted([str(options.root)])}'}"
    )
    return 0


def add_check(command: argparse.ArgumentParser) -> None:
    """Add the options of `data check`."""
    command.epilog = (
        "The exit status is 0 if models can be trained on the data, and 1 if they are damaged, incomplete or missing."
    )
    where = command.add_mutually_exclusive_group()
    where.add_argument("folder", nargs="?", type=expand_home, metavar="ROOT", help=f"folder of the data {DEFAULT_ROOT}")
    where.add_argument("--root", type=expand_home, default=default_root(), help="the same as ROOT")
    command.add_argument(
        "--columns_map",
        type=read_map,
        metavar="MAP",
        help="what columns are called in your own files, as in '{userId: buyer, movieId: item}'",
    )
    command.set_defaults(run=check_data)


def read_map(text: str) -> dict[str, str]:
    """Read `{userId: buyer, movieId: item}`, as `--data.columns_map` takes it."""
    try:
        return {str(ours): str(theirs) for ours, theirs in yaml.safe_load(text).items()}
    except (yaml.YAMLError, AttributeError):
        message = f"expected names as in '{{userId: buyer, movieId: item}}', got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def check_data(options: argparse.Namespace) -> int:
    """Check the data."""
    from movierec.datasets.check import check_data as check
    from movierec.datasets.check import print_check

    with busy("reading the data"):
        found = check(options.folder or options.root, options.columns_map)
    print_check(found)
    return 1 if found.problems else 0


def add_fetch(command: argparse.ArgumentParser) -> None:
    """Add the options of `data fetch`."""
    command.description = (
        "Fetch the metadata of MovieLens films from TMDb into metadata/tmdb.csv, or from OMDb (IMDb's "
        "numbers) into metadata/omdb.csv. Every answer is stored at once; run the same command again to resume."
    )
    command.epilog = (
        "Keys come from the environment: TMDB_READ_TOKEN or TMDB_API_KEY, and OMDB_API_KEY. Separate "
        "several keys of OMDb by commas: they are used in turn, because a free key allows 1,000 films a day."
    )
    add = command.add_argument
    add("service", choices=["tmdb", "omdb"], help="the film service")
    add("--root", type=expand_home, default=default_root(), help=f"folder of the data {DEFAULT_ROOT}")
    linked = [release.name for release in RELEASES.values() if release.links]
    add(
        "--releases",
        nargs="+",
        default=(),
        choices=linked,
        metavar="RELEASE",
        help=f"releases whose films to fetch: {', '.join(linked)} (default: all in the folder)",
    )
    add(
        "--max_age",
        type=float,
        metavar="DAYS",
        help="fetch older answers again, films not found included (default: 180 for tmdb, whose terms forbid keeping "
        "answers for more than six months; never for omdb)",
    )
    add("--rate", type=float, metavar="N", help="maximum requests a second (default: 40 for tmdb, 10 for omdb)")
    add("--limit", type=int, metavar="N", help="maximum number of films to fetch now (default: all)")
    add("--base_url", metavar="URL", help="address of a mirror, which receives the keys (default: the service)")
    add("--accept_terms", action="store_true", help="accept the service's terms without being asked")
    command.set_defaults(run=fetch_metadata)


def fetch_metadata(options: argparse.Namespace) -> int:
    """Fetch the metadata."""
    from movierec.datasets.fetch import SERVICES, Plan, fetch

    service = SERVICES[options.service]
    plan = Plan(
        service=service,
        root=options.root,
        releases=tuple(options.releases),
        max_age=service.max_age if options.max_age is None else options.max_age,
        rate=service.rate if options.rate is None else options.rate,
        limit=options.limit,
        base_url=options.base_url or service.base_url,
        accept_terms=options.accept_terms,
    )
    fetch(plan)
    return 0
