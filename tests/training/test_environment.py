"""The revision of the code, in real repositories of git."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from movierec.training.environment import describe_revision

GIT = shutil.which("git")
NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    assert GIT is not None
    done = subprocess.run(  # noqa: S603 - our own command
        [GIT, *AUTHOR, *arguments], cwd=folder, env=os.environ | NOBODY, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package in a checkout with one commit."""
    if GIT is None:
        pytest.skip("there is no git here")
    folder = tmp_path / "checkout" / "package"
    folder.mkdir(parents=True)
    (folder / "code.py").write_text("", encoding="utf-8")
    git(folder.parent, "init", "--quiet")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "--quiet", "--message", "Begin")
    return folder


def test_a_checkout_has_a_revision_and_is_dirty_when_its_code_was_changed(package: Path) -> None:
    revision = git(package.parent, "rev-parse", "HEAD")
    assert describe_revision(package) == {"revision": revision, "dirty": False}
    (package.parent / "notes.txt").write_text("not code", encoding="utf-8")
    assert describe_revision(package) == {"revision": revision, "dirty": False}
    (package / "new.py").write_text("", encoding="utf-8")
    assert describe_revision(package) == {"revision": revision, "dirty": True}


def test_a_linked_worktree_has_the_revision_that_it_is_at(package: Path, tmp_path: Path) -> None:
    git(package.parent, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    (package / "code.py").write_text("changed = True\n", encoding="utf-8")
    found = describe_revision(tmp_path / "linked" / package.name)
    assert found == {"revision": git(package.parent, "rev-parse", "HEAD"), "dirty": False}


def test_a_variable_of_git_that_names_another_repository_changes_nothing(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = describe_revision(package)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert expected is not None
    assert describe_revision(package) == expected


def test_an_installed_package_has_none_even_inside_somebody_elses_checkout(package: Path) -> None:
    installed = package.parent / ".venv" / "site-packages" / "package"
    shutil.copytree(package, installed)
    assert describe_revision(installed) is None
    untracked = package.parent / "copied"
    shutil.copytree(package, untracked)
    assert describe_revision(untracked) is None


def test_a_checkout_without_a_commit_has_none(tmp_path: Path, package: Path) -> None:
    folder = tmp_path / "empty" / "package"
    folder.mkdir(parents=True)
    git(folder.parent, "init", "--quiet")
    assert describe_revision(folder) is None


def test_a_damaged_repository_has_none(package: Path) -> None:
    (package.parent / ".git" / "HEAD").write_text("nonsense", encoding="utf-8")
    assert describe_revision(package) is None


def test_without_git_there_is_none(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert describe_revision(package) is None


@pytest.mark.skipif(sys.platform == "win32", reason="the slow git is a shell script")
def test_a_git_that_does_not_answer_is_not_waited_for(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    assert describe_revision(package) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_of_somebody_else_that_git_refuses_has_none(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # whose configuration trusts no folder
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for path in (package.parent, package.parent / ".git"):
        os.chown(path, 12345, 12345)
    refused = subprocess.run(  # noqa: S603 - our own command
        [str(GIT), "status"], cwd=package, check=False, capture_output=True, text=True
    )
    if refused.returncode == 0:
        pytest.skip("this system's git trusts all folders")
    assert "dubious ownership" in refused.stderr
    assert describe_revision(package) is None
