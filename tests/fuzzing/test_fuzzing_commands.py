"""Whole commands on files that are damaged: one error, the status, and nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from movierec.cli import main
from tests.fuzzing import world
from tests.fuzzing.contract import assert_one_error
from tests.fuzzing.mutation import HTML

RATINGS, MOVIES = "data/ml-latest-small/ratings.csv", "data/ml-latest-small/movies.csv"
LINKS, TMDB = "data/ml-latest-small/links.csv", "data/metadata/tmdb.csv"
BEST = "lightning_logs/small/version_0/checkpoints/best.ckpt"
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut in the middle of a line": lambda text: text[: text.rindex(b",")],
    "in UTF-16": lambda text: text.decode().encode("utf-16"),
    "empty": lambda text: text[:0],
    "a page of an error": lambda text: text[:0] + HTML,
    "with a word for an id": lambda text: text.replace(b"\n1,", b"\none,").replace(b"\n2,", b"\ntwo,"),
    "without its first column": lambda text: b"".join(
        line.partition(b",")[2] for line in text.splitlines(keepends=True)
    ),
    "with an id beyond 2^53": lambda text: text.replace(b"9007199254740992", b"9007199254740993"),
}
WORDS = {
    "recommend": ["recommend", "--ckpt_path", BEST],
    "test": ["test", "--config", "lightning_logs/small/version_0/config.yaml"],
}


@pytest.fixture
def folder(trained_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small world and its run, to stand in."""
    copy = shutil.copytree(trained_folder, tmp_path / "world")
    monkeypatch.chdir(copy)
    monkeypatch.setenv("COLUMNS", "200")
    return copy


def fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail, and return the error."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    err = capsys.readouterr().err
    assert_one_error(status, err)
    return err


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [RATINGS, MOVIES, LINKS, TMDB])
def test_fit(folder: Path, capsys: pytest.CaptureFixture[str], name: str, damage: str) -> None:
    path = folder / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert name in fail(capsys, *world.FIT)
    assert not (folder / "lightning_logs/small/version_1/checkpoints").exists()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [RATINGS, TMDB])
def test_data_check(folder: Path, capsys: pytest.CaptureFixture[str], name: str, damage: str) -> None:
    path = folder / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert main(["data", "check", "--root", "data"]) == 1
    out, err = capsys.readouterr()
    problems = out.partition("Problems:\n")[2]
    assert name in problems
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"userId,movieId\n1,1\n99,1\n", "line 3"), (b"userId,movieId\n1,one\n", "line 2"), (b"", "empty"),
        (b"userId;movieId\n1;1\n", "line 1"), (b"userId,movieId\n9007199254740993,1\n", "line 2"),
    ],
)  # fmt: skip
def test_predict(folder: Path, capsys: pytest.CaptureFixture[str], text: bytes, named: str) -> None:
    (folder / "pairs.csv").write_bytes(text)
    err = fail(
        capsys, "predict", *WORDS["test"][1:], "--data.pairs", "pairs.csv", "--trainer.enable_progress_bar", "false"
    )
    assert "pairs.csv" in err
    assert named in err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"movieId,rating\n1,4\n2,1e9\n", "line 3"), (b"movieId,rating\n1,-4\n", "line 2"), (b"", "empty"),
        (b"movieId,rating\n1,4\n1,5\n", "line 3"), (b"movieId,rating\n1,inf\n", "line 2"), (b"\xff\xfe", "line 1"),
        (b'title,rating\n"Toy Story (1995),4\n', "line 2"), (b"movieId,rating\n77,4\n", "none of its films"),
    ],
)  # fmt: skip
def test_recommend_by_ratings(folder: Path, capsys: pytest.CaptureFixture[str], text: bytes, named: str) -> None:
    (folder / "my.csv").write_bytes(text)
    err = fail(capsys, *WORDS["recommend"], "--ratings", "my.csv")
    assert "my.csv" in err
    assert named in err


@pytest.mark.parametrize(
    "user_id", ["", "1e9", "nan", "1.0", "-5", "0", "9007199254740993", "9" * 30, "٣٠", "new ", "a\x1bb"]
)
def test_recommend_to_nobody(folder: Path, capsys: pytest.CaptureFixture[str], user_id: str) -> None:
    fail(capsys, *WORDS["recommend"], "--user_id", user_id)


@pytest.mark.parametrize(
    "options",
    [
        ["--top", "-1"],
        ["--top", "0"],
        ["--top", "1e3"],
        ["--year", "٢٠٠٠-1"],
        ["--exclude", "9" * 30],
        ["--min_ratings", "x"],
    ],
)
def test_recommend_with_nonsense(folder: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    fail(capsys, *WORDS["recommend"], "--user_id", "1", *options)


@pytest.mark.parametrize("command", [["recommend", "--user_id", "1"], ["similar", "1"], WORDS["test"]])
@pytest.mark.parametrize("damage", ["a changed byte", "a cut", "a page of an error"])
def test_a_damaged_checkpoint(
    folder: Path, capsys: pytest.CaptureFixture[str], command: list[str], damage: str
) -> None:
    path = folder / BEST
    content = bytearray(path.read_bytes())
    content[content.index(b"titles")] ^= 4
    path.write_bytes({"a cut": bytes(content[:-100]), "a page of an error": HTML}.get(damage, bytes(content)))
    assert "best.ckpt" in fail(capsys, *command)
