"""A small configuration that many tests train."""

from pathlib import Path

RUN = Path("lightning_logs/small/version_0")
BEST, LAST = (RUN / "checkpoints" / f"{name}.ckpt" for name in ("best", "last"))
SMALL = ["--config", "small.yaml"]


def write_small(folder: Path, root: Path) -> None:
    """Writes the configuration into a folder; its data are those of a root."""
    (folder / "small.yaml").write_text(
        f"""\
data:
  class_path: RatingsDataModule
  init_args:
    root: {root}
model:
  network:
    class_path: MLP
    init_args:
      hidden: [16, 8]
      dropout: 0.2
trainer:
  max_epochs: 3
""",
        encoding="utf-8",
    )
