"""Train and test models, by LightningCLI or from Python.

Lightning comes first: typing keeps one `Optional[Union[float, int]]` for all packages, in the order of whoever asks
first, and after scikit-learn's, `--trainer.limit_test_batches 1` would be read as 1.0, which means all batches.
"""

import lightning.pytorch  # noqa: F401
