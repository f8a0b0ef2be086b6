"""Fitting a model of lists, as a LightningModule; subclasses say how."""

import torch

from movierec.data.batches import Batch
from movierec.metrics.topn import Target, list_targets, measure_lists
from movierec.training.base_task import BaseTask

LOGGED = ("ndcg@10", "recall@10", "map@10", "coverage", "personality")
MOST_USERS = 10_000


class ListTask(BaseTask):
    """Fit a model of lists; validation measures the lists of 10,000 users at most, and logs `val/list_ndcg@10`.

    The validation and test ratings tell which films lists should hold, so they are not measured batch by batch. `test`
    measures the lists beside those of the baselines.
    """

    def __init__(self) -> None:
        super().__init__()
        self.val_targets: list[Target] | None = None

    def on_validation_epoch_end(self) -> None:
        """Measure the lists on the validation ratings."""
        if self.val_targets is None:
            rows = self.trainer.datamodule.rows  # type: ignore[attr-defined]
            self.val_targets = list_targets(self.model.tables, rows, "val", num_users=MOST_USERS)
        found, _ = measure_lists(self.model, self.val_targets)
        self.results["val"] = {f"list_{name}": found[name] for name in LOGGED}
        if self.trainer.state.fn == "fit":
            values = {f"val/{name}": torch.tensor(value) for name, value in self.results["val"].items()}
            self.log_values(values, self.current_epoch)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Do nothing: lists are of all ratings of a user."""

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Do nothing, see above."""
