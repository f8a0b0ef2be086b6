"""Fixtures of the tests that get data."""

import dataclasses
import hashlib
import shutil
import ssl
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.sample import SampleSize, write_sample


@pytest.fixture(autouse=True)
def directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers are on this machine, whatever proxy leads out of it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with archives in the published format, of a few ratings."""
    folder = tmp_path_factory.mktemp("archives")
    write_sample(folder / "sample", SampleSize(num_users=30, num_movies=60, num_ratings=600))
    for name in "ml-latest-small", "ml-1m":
        with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((folder / "sample" / name).iterdir()):
                archive.write(path, f"{name}/{path.name}")
            archive.writestr(f"{name}/README.txt", "The terms.\n")
    return folder


@pytest.fixture
def body(archives: Path) -> bytes:
    return (archives / "ml-1m.zip").read_bytes()


@pytest.fixture
def release(body: bytes) -> Release:
    """MovieLens 1M with the checksum of the small archive."""
    return dataclasses.replace(RELEASES["ml-1m"], md5=hashlib.md5(body, usedforsecurity=False).hexdigest())


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 kB, which a page or two of the system's own take a part of."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:  # noqa: S603 - our own command
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607 - the folder is ours


@pytest.fixture
def lapsed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate that lapsed, of an authority that is trusted."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    request = "req -new -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    sign = "x509 -req -in request.pem -signkey key.pem -days -1 -copy_extensions copy -out certificate.pem"
    for words in f"{request} -keyout key.pem -out request.pem", sign:
        done = subprocess.run([openssl, *words.split()], cwd=folder, capture_output=True, check=False)  # noqa: S603 - our own command
        if done.returncode:
            pytest.skip("this openssl makes no certificate that has lapsed")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
