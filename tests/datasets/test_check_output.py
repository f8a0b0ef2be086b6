"""What `data check` prints of releases as large as there are."""

import pytest

from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.check import DataCheck, MetadataCheck
from movierec.datasets.check_output import percent, show
from movierec.datasets.content import Coverage, Films, Ratings
from movierec.datasets.readiness import MODELS, ModelCheck
from movierec.datasets.release import ReleaseCheck


def whole(release: Release) -> ReleaseCheck:
    """A release of 32 million ratings, of which the metadata hold all."""
    films = 87_585
    coverage = Coverage(films=films, ratings=32_000_204, complete_films=films, complete_ratings=32_000_204)
    return ReleaseCheck(
        name=release.name,
        version=release.version,
        missing=[],
        sha256={},
        fingerprint="0123456789abcdef" * 4,
        ratings=Ratings(
            rows=32_000_204, users=200_948, films=films, min_stars=0.5, max_stars=5, mean_stars=3.5404,
            first="1995-01-09T11:46:49Z", last="2023-10-13T02:29:07Z",
        ),
        films=Films(listed=films, unlisted=0, unlinked=126, coverage={"tmdb": coverage, "omdb": coverage}),
        trainable=True,
    )  # fmt: skip


def check_of_everything() -> DataCheck:
    metadata = MetadataCheck(rows=90_000, duplicates=0, sha256="00")
    return DataCheck(
        root="data",
        sample=False,
        releases={name: whole(release) for name, release in RELEASES.items()},
        metadata={"tmdb": metadata, "omdb": metadata},
        models={
            name: ModelCheck(release=release, sources=sources, ratings=32_000_204, lacks={})
            for name, (release, sources) in MODELS.items()
        },
        others={},
        problems=[],
        notes=[],
    )


def test_all_releases_fit_80_columns_and_each_label_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show(check_of_everything(), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    labels = ["version", "fingerprint", "tmdb.csv, films | ratings", "  with all fields"]
    assert [sum(line.startswith(label) for line in lines) for label in labels] == [3, 3, 3, 6]  # three tables
    for name in RELEASES:
        assert any(name in line.split() for line in lines)


def test_a_narrow_terminal_loses_no_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    show(check_of_everything(), as_json=False)
    assert "model5  ml-1m, tmdb, omdb            yes, on 32,000,204 ratings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("part", "of", "text"),
    [(0, 3, "0.0%"), (2, 3, "66.6%"), (100_823, 100_836, "99.9%"), (999_999_999, 10**9, "99.9%"), (3, 3, "100.0%")],
)
def test_a_share_is_rounded_down_so_that_only_all_is_100_percent(part: int, of: int, text: str) -> None:
    assert percent(part, of) == text
