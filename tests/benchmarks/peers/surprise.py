"""Surprise: python -m tests.benchmarks.peers.surprise FOLDER OUT PART {"algorithm": "SVD"}."""

import json
import sys

import surprise  # type: ignore[import-not-found]

from tests.benchmarks.peers.files import read

COLUMNS = ["userId", "movieId", "rating"]


def main(folder: str, out: str, _: str, settings: str) -> None:
    """Train with the default options, and write predictions of the test ratings."""
    train, test = read(folder, "train", "val"), read(folder, "test")
    reader = surprise.Reader(rating_scale=(train["rating"].min(), train["rating"].max()))
    data = surprise.Dataset.load_from_df(train[COLUMNS], reader).build_full_trainset()
    name = json.loads(settings)["algorithm"]
    algorithm = getattr(surprise, name)(**({} if name == "BaselineOnly" else {"random_state": 0}))
    algorithm.fit(data)
    pairs = zip(test["userId"], test["movieId"], strict=True)
    test["prediction"] = [algorithm.predict(user, film).est for user, film in pairs]
    test.to_csv(out, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
