import errno
import io
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from movierec.cli import main
from movierec.data import RatingsDataModule, cache
from movierec.data.cache import FOLDER, Prepared, cache_path, load
from movierec.data.options import Options, describe_origin, file_names
from movierec.data.preparation import prepare
from movierec.data.tables import SCHEMA
from movierec.datasets import movielens
from movierec.datasets.root import MARKER
from movierec.datasets.sample import SampleSize, write_sample

OPTIONS = RatingsDataModule().options
WITH_METADATA = replace(OPTIONS, sources=("tmdb", "omdb"))  # five files rather than two
PREPARE_WHEN_TOLD = """
import sys
from pathlib import Path
import torch
from movierec.data import RatingsDataModule

module = RatingsDataModule(root=Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
module.setup()
rows = {part: tuple(batch) for part, batch in module.rows.items()}
torch.save({"tables": vars(module.tables), "rows": rows}, sys.argv[2])
"""


@pytest.fixture(scope="module")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "sample"
    write_sample(root, SampleSize(num_users=40, num_movies=60, num_ratings=1000))
    return root


@pytest.fixture
def root(small_root: Path, tmp_path: Path) -> Path:
    """A data root that a test may change."""
    return Path(shutil.copytree(small_root, tmp_path / "root"))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each time that ratings or films are read from their csv files."""
    calls: list[str] = []

    def noted(name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def read_and_note(*args: Any) -> Any:
            calls.append(name)
            return read(*args)

        return read_and_note

    for name in ("read_ratings", "read_movies"):
        monkeypatch.setattr(movielens, name, noted(name, getattr(movielens, name)))
    return calls


def kept(root: Path) -> set[str]:
    return {path.name for path in (root / FOLDER).iterdir()}


def path_of(root: Path, options: Options = OPTIONS) -> Path:
    return cache_path(root, describe_origin(root, options))


def plain(value: Any) -> Any:
    """Turn tensors into lists, which can be compared."""
    if isinstance(value, Tensor):
        return value.dtype, value.tolist()
    if isinstance(value, dict):
        return {name: plain(element) for name, element in value.items()}
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def content(prepared: Prepared) -> Any:
    tables, rows = prepared
    return plain({"tables": vars(tables), "rows": {part: tuple(batch) for part, batch in rows.items()}})


def prepared_by_module(root: Path, **options: Any) -> tuple[Prepared, RatingsDataModule]:
    module = RatingsDataModule(root=root, **options)
    module.setup()
    assert module.tables is not None
    return (module.tables, module.rows), module


def test_a_second_module_gets_the_same_tables_without_reading_the_csv_files(root: Path, reads: list[str]) -> None:
    first, _ = prepared_by_module(root)
    assert sorted(reads) == ["read_movies", "read_ratings"]
    second, _ = prepared_by_module(root)
    assert len(reads) == 2
    assert content(first) == content(second) == content(prepare(root, OPTIONS, cache=False))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux says what is mapped into memory")
def test_tables_and_the_rows_of_a_loader_are_mapped_into_memory_not_copied(root: Path) -> None:
    prepare(root, OPTIONS, cache=True)
    (tables, rows), module = prepared_by_module(root)
    file = str(path_of(root))
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    bounds = [line.split()[0].split("-") for line in lines if file in line]
    mapped = [range(int(start, 16), int(end, 16)) for start, end in bounds]
    loaded = module.train_dataloader().dataset.rows  # type: ignore[attr-defined]  # a RatingDataset
    tensors = [value for value in vars(tables).values() if isinstance(value, Tensor)]
    tensors += [*tables.statistics_range, *loaded, *(column for batch in rows.values() for column in batch)]
    assert len(tensors) == 13 + 2 + 5 + 3 * 5
    assert all(any(tensor.data_ptr() in addresses for addresses in mapped) for tensor in tensors)


@pytest.mark.parametrize("name", file_names(Path(), WITH_METADATA))
def test_a_file_that_changes_by_a_byte_makes_new_tables_in_place_of_the_old(
    root: Path, reads: list[str], name: str
) -> None:
    prepare(root, WITH_METADATA, cache=True)
    prepare(root, OPTIONS, cache=True)
    old = path_of(root, WITH_METADATA)
    with (root / name).open("ab") as file:
        file.write(b"\n")
    again = prepare(root, WITH_METADATA, cache=True)
    assert reads.count("read_ratings") == 3
    assert kept(root) == {path_of(root, WITH_METADATA).name} | (kept(root) - {old.name})
    assert len(kept(root)) == 2  # the tables of other options stay, even if they are outdated too
    assert content(again) == content(prepare(root, WITH_METADATA, cache=False))


def test_a_changed_rating_is_in_the_new_tables(root: Path) -> None:
    before = prepare(root, OPTIONS, cache=True)
    ratings = root / "ml-latest-small/ratings.csv"
    ratings.write_text(ratings.read_text(encoding="utf-8").replace(",3.0,", ",3.5,", 1), encoding="utf-8")
    assert content(prepare(root, OPTIONS, cache=True)) != content(before)


@pytest.mark.parametrize(
    "change",
    [
        {"release": "ml-1m"}, {"sources": ("tmdb",)}, {"split": "time"}, {"fractions": (0.6, 0.2, 0.2)}, {"seed": 1},
        {"statistics": "leave_one_out"}, {"folds": 3}, {"statistics": "per_split", "scaling": "per_split"},
        {"missing": "impute"}, {"whole_stars": True}, {"columns": ("movieId", "genres")},
    ],
    ids=str,
)  # fmt: skip
def test_other_options_have_tables_of_their_own(root: Path, reads: list[str], change: dict[str, Any]) -> None:
    first = prepare(root, OPTIONS, cache=True)
    other = prepare(root, replace(OPTIONS, **change), cache=True)
    assert reads.count("read_ratings") == 2
    assert content(first) != content(other) == content(prepare(root, replace(OPTIONS, **change), cache=True))
    assert content(first) == content(prepare(root, OPTIONS, cache=True))
    assert reads.count("read_ratings") == 2
    assert len(kept(root)) == 2


@pytest.mark.parametrize(("name", "answer"), [("code_digest", lambda: "other"), ("version", lambda _: "0.1")])
def test_tables_of_other_code_or_libraries_are_made_anew(
    root: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch, name: str, answer: Callable[..., str]
) -> None:
    prepare(root, OPTIONS, cache=True)
    old = kept(root)
    monkeypatch.setattr(cache, name, answer)
    prepare(root, OPTIONS, cache=True)
    assert reads.count("read_ratings") == 2
    assert len(kept(root)) == 1
    assert kept(root) != old


@pytest.mark.parametrize(
    ("name", "prepares"), [("data/split.py", True), ("datasets/metadata.py", True), ("models/network.py", False)]
)
def test_the_code_is_that_which_prepares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, prepares: bool
) -> None:
    before = cache.code_digest()
    copy = Path(shutil.copytree(Path(cache.__file__).parents[1], tmp_path / "movierec"))
    monkeypatch.setattr(cache, "__file__", str(copy / "data/cache.py"))
    assert cache.code_digest() == before
    with (copy / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert (cache.code_digest() != before) is prepares


def test_data_that_are_no_longer_marked_as_a_sample_are_not_taken_for_one(root: Path, reads: list[str]) -> None:
    marker = (root / MARKER).read_bytes()
    assert prepare(root, OPTIONS, cache=True)[0].record["sample"] is True
    (root / MARKER).unlink()
    assert prepare(root, OPTIONS, cache=True)[0].record["sample"] is False
    (root / MARKER).write_bytes(marker)
    assert prepare(root, OPTIONS, cache=True)[0].record["sample"] is True
    assert reads.count("read_ratings") == 3


def change_last_star(whole: bytes) -> bytes:
    """Change a bit of the rating that stands last in the file, which torch alone would read as another one."""
    *_, batch = torch.load(io.BytesIO(whole), weights_only=True)["rows"].values()
    ratings = batch[-1].numpy().tobytes()
    place = whole.index(ratings) + len(ratings) - 1
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def is_passed_over_and_replaced(root: Path) -> bool:
    path = path_of(root)
    passed_over = load(path) is None
    expected = content(prepare(root, OPTIONS, cache=False))
    replaced = content(prepare(root, OPTIONS, cache=True)) == expected
    found = load(path)
    return passed_over and replaced and found is not None and content(found) == expected and len(kept(root)) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda whole: whole[:-1],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[1:],
        lambda whole: b"\x00" * len(whole),
        change_last_star,
        lambda _: b"userId,movieId\n1,2\n",
        lambda _: pickle.dumps({"tables": {}, "rows": {}}),
    ],
    ids=["empty", "last byte", "half", "first byte", "zeros", "a byte of a tensor", "csv", "pickle"],
)
def test_a_file_that_is_damaged_or_another_program_s_is_replaced(root: Path, damage: Callable[[bytes], bytes]) -> None:
    prepare(root, OPTIONS, cache=True)
    path_of(root).write_bytes(damage(path_of(root).read_bytes()))
    assert is_passed_over_and_replaced(root)


@pytest.mark.parametrize(
    "foreign",
    [
        {},
        {"rows": {}, "tables": {"schema": SCHEMA}},
        [1, 2],
        {"rows": {"train": (1,)}, "tables": {}},
        {"rows": {}, "tables": []},
    ],
    ids=["nothing", "no fields", "list", "one column", "list of tables"],
)
def test_a_file_of_torch_with_another_content_is_replaced(root: Path, foreign: Any) -> None:
    (root / FOLDER).mkdir()
    torch.save(foreign, path_of(root))
    assert is_passed_over_and_replaced(root)


@dataclass
class Trap:
    """Makes a folder when it is unpickled carelessly."""

    proof: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.proof),)


@pytest.mark.parametrize("write", [torch.save, lambda trap, path: path.write_bytes(pickle.dumps(trap))])
def test_a_file_that_would_run_code_does_not(root: Path, tmp_path: Path, write: Callable[[Any, Path], Any]) -> None:
    proof = tmp_path / "proof"
    (root / FOLDER).mkdir()
    write({"tables": Trap(proof), "rows": {}}, path_of(root))
    with suppress(Exception):
        torch.load(path_of(root), weights_only=False)
    proof.rmdir()  # the trap works
    assert is_passed_over_and_replaced(root)
    assert not proof.exists()


def test_tables_of_an_older_schema_are_replaced(root: Path) -> None:
    prepare(root, OPTIONS, cache=True)
    stored = torch.load(path_of(root), weights_only=True)
    assert stored["tables"]["schema"] == SCHEMA
    stored["tables"]["schema"] -= 1
    torch.save(stored, path_of(root))
    assert is_passed_over_and_replaced(root)


def test_training_goes_on_where_nothing_can_be_kept(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / FOLDER).write_text("a file where the folder would be", encoding="utf-8")  # it stops even root
    (tmp_path / "small.yaml").write_text(f"data:\n  class_path: RatingsDataModule\n  init_args:\n    root: {root}\n")
    monkeypatch.chdir(tmp_path)
    before = sorted(root.iterdir())
    assert main(["fit", "--config", "small.yaml", "--trainer.fast_dev_run", "true"]) == 0
    assert sorted(root.iterdir()) == before


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("write failed")])
def test_a_full_disk_leaves_no_partial_file_and_the_earlier_tables(
    root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    prepare(root, OPTIONS, cache=True)
    before = kept(root)
    with (root / "ml-latest-small/ratings.csv").open("ab") as file:
        file.write(b"\n")

    def fill_disk(_: Any, file: Any) -> None:
        file.write(b"begun")
        raise error

    monkeypatch.setattr(torch, "save", fill_disk)
    prepared, module = prepared_by_module(root)
    assert sum(len(batch.rating) for batch in module.train_dataloader()) == 800
    assert content(prepared) == content(prepare(root, OPTIONS, cache=False))
    assert kept(root) == before


@pytest.mark.slow
def test_two_processes_that_prepare_at_once_get_the_same_tables_and_leave_one_file(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PREPARE_WHEN_TOLD, str(root), str(tmp_path / "other.pt")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:  # noqa: S603 - our own code
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("\n")
        other.stdin.flush()
        mine, _ = prepared_by_module(root)
    assert other.returncode == 0
    assert content(mine) == plain(torch.load(tmp_path / "other.pt", weights_only=True))
    assert content(mine) == content(prepare(root, OPTIONS, cache=False))
    assert kept(root) == {path_of(root).name}


def test_without_a_cache_nothing_is_kept_and_nothing_kept_is_taken(root: Path, reads: list[str]) -> None:
    prepared_by_module(root, cache=False)
    assert not (root / FOLDER).exists()
    prepared_by_module(root)
    prepared_by_module(root, cache=False)
    assert reads.count("read_ratings") == 3


def test_a_checkpoint_of_mapped_tables_is_that_of_tables_just_built(root: Path, tmp_path: Path) -> None:
    fresh, _ = prepare(root, OPTIONS, cache=True)
    mapped, _ = prepare(root, OPTIONS, cache=True)
    files = [tmp_path / name / "tables.pt" for name in ("fresh", "mapped")]
    for tables, file in zip((fresh, mapped), files, strict=True):
        file.parent.mkdir()
        torch.save(tables.state(), file)
    first, second = (plain(torch.load(file, weights_only=True)) for file in files)
    assert first == second
    assert files[0].stat().st_size == pytest.approx(files[1].stat().st_size, abs=1024)  # not the whole mapped file
