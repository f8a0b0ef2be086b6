"""The wheel, and how fast the light commands start."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the wheel, in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)  # noqa: S603 - our own command
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run_python(code: str, site: Path, folder: Path) -> str:
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return done.stdout.strip()


def test_the_wheel_works_without_the_repository(unpacked_wheel: Path, tmp_path: Path) -> None:
    code = "import movierec.training.config as c; print(c.__file__); print(c.find_config('configs/model5.yaml'))"
    module, config = run_python(code, unpacked_wheel, tmp_path).splitlines()
    assert Path(module).is_relative_to(unpacked_wheel)
    assert Path(config) == unpacked_wheel / "movierec" / "configs" / "model5.yaml"


def test_the_wheel_holds_the_package_and_the_configurations_only(unpacked_wheel: Path) -> None:
    names = {path.relative_to(unpacked_wheel).parts[0] for path in unpacked_wheel.rglob("*") if path.is_file()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"movierec"}
    assert (unpacked_wheel / "movierec" / "py.typed").is_file()
