"""The commands of `data`: generate data."""

import argparse
from pathlib import Path


def add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `data` and its actions to the commands."""
    actions = commands.add_parser("data", help="get the data").add_subparsers(metavar="ACTION", required=True)
    add_sample(actions)


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
        help="which releases of MovieLens to generate, in their formats (default: ml-latest-small ml-1m)",
    )
    sample.set_defaults(run=write_sample)


def write_sample(options: argparse.Namespace) -> int:
    """Generate the sample."""
    from movierec.sources.sample import DEFAULT_RELEASES, SampleSize
    from movierec.sources.sample import write_sample as write

    size = SampleSize(
        num_users=options.users,
        num_movies=options.movies,
        num_ratings=options.ratings,
        seed=options.seed,
        releases=tuple(options.releases or DEFAULT_RELEASES),
    )
    write(options.root, size)
    trained = {"ml-latest-small": "model1", "ml-1m": "model5"}  # what the configurations train on
    name = next((name for name in trained if name in size.releases), size.releases[0])
    print(
        f"Generated {size.num_ratings:,} ratings by {size.num_users:,} users of {size.num_movies:,} films for "
        f"{' and as many for '.join(size.releases)}, in {options.root}\n"
        f"Try it: python -m movierec fit --config configs/{trained.get(name, 'model1')}.yaml "
        "--config configs/sample.yaml"
        f"{'' if name in trained else f' --data.release {name}'}"
        f"{'' if options.root == Path('data/sample') else f' --data.root {options.root}'}"
    )
    return 0
