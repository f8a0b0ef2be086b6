"""The start of fit, validate, test and predict: which configurations are meant, and what is kept from the screen."""

import logging
import re
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path

from lightning.fabric.utilities.exceptions import MisconfigurationException

from movierec.errors import ConfigError
from movierec.training.configs import own_config, split_configs
from movierec.training.experiment import ExperimentCLI
from movierec.training.memory import keep_freed_memory
from movierec.training.resume import NothingToDoError

CONFIG_FREE = r"--data(=.*)?|--data\.help.*|--help|-h|--print_config.*"  # options that need no configuration


def quiet() -> None:
    """Keep Lightning's hints about hardware, loaders and folders out of what a user reads."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        "does not have many workers",
        "Checkpoint directory .* is not empty",
        "The number of training batches",
    ):
        warnings.filterwarnings("ignore", message=f".*{message}.*")
    # torch deprecates what it calls itself.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    threading.excepthook = leave_to_caller


def leave_to_caller(arguments: threading.ExceptHookArgs) -> None:
    """Print no traceback when TensorBoard's thread cannot write: the next call raises what has happened."""
    if type(arguments.thread).__name__ != "_AsyncWriterThread":
        threading.__excepthook__(arguments)


def run(args: Sequence[str]) -> int:
    """Run one of fit, validate, test and predict.

    Args:
        args: The subcommand and its options.

    Returns:
        The exit status, 0.

    Raises:
        ConfigError: There is no configuration, or Lightning refuses the options.
    """
    quiet()
    keep_freed_memory()
    arguments, configs = split_configs(args)
    if not configs and (own := own_config(arguments)):
        arguments, configs = [arguments[0], *own, *arguments[1:]], {own[1]: Path(own[1])}
    if not configs and not any(re.fullmatch(CONFIG_FREE, argument) for argument in arguments):
        raise ConfigError("Expected a configuration, such as --config configs/model1.yaml; got none.")
    try:
        ExperimentCLI(configs=configs, args=arguments)
    except MisconfigurationException as error:
        raise ConfigError(str(error)) from error
    except NothingToDoError as answer:
        print(answer)
    return 0
