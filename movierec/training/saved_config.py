"""The configuration that a fit leaves in its run's folder."""

from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from movierec.runs import replace_text


class SaveRunConfig(SaveConfigCallback):
    """Save the configuration of a fit, without what resumed it."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write config.yaml into the run's folder; only the first process comes here, so it may not ask the others."""
        if stage != "fit" or trainer.logger is None or trainer.logger.log_dir is None:
            return
        folder = Path(trainer.logger.log_dir)
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(folder / "config.yaml", self.dump())

    def dump(self) -> str:
        """Return the configuration as YAML, such that a run's own config.yaml can be given to any command."""
        config = self.config.clone()
        config["ckpt_path"], config["resume"] = None, False
        config.pop("config", None)
        return str(self.parser.dump(config, skip_none=False))
