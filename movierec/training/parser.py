"""What a user asks for: the parser of the arguments, and what may not be asked for together."""

import difflib
import inspect
import re
from typing import Any, NoReturn

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from movierec.data import MovieDataModule
from movierec.data.split import LARGEST_SEED
from movierec.errors import ConfigError


class Parser(LightningArgumentParser):
    """Lightning's parser, with a short answer to wrong usage instead of two screens of options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, allow_abbrev=False, **kwargs)  # a misspelt option is not another one

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print what is wrong, and end with status 2."""
        if not self.exit_on_error:
            super().error(message, ex)
        parser = getattr(ex, "subcommand_parser", None) or self
        help_option = "--help"
        if of_data := re.match(r"""Parser key "data":.*?class_path '([\w.]+)'""", message, flags=re.DOTALL):
            help_option = f"--data.help {of_data[1].removeprefix('movierec.data.')}"
        message = shorten(message)
        hint = f"All options: {parser.prog.replace(' [options]', '')} {help_option}"
        if unknown := re.match(r"unrecognized arguments: (--[\w.]+)", message, flags=re.IGNORECASE):
            data = {f"--data.{name}" for name in inspect.signature(MovieDataModule).parameters}
            known = set(re.findall(r"--[\w.]+", parser.format_help())) | data
            if close := difflib.get_close_matches(unknown[1], known, n=1):
                hint = f"Did you mean {close[0]}? {hint}"
        self.exit(2, f"movierec: error: {message}\n{hint}\n")


def shorten(message: str) -> str:
    """Keep of jsonargparse's account of all types it tried what a user can act on, in plain words."""
    noise = (
        "Does not validate against",
        "Subtypes:",
        "Errors:",
        "Problem with given class_path",
        "Expected a <class 'NoneType'>",
        "Given value type",
        "Given value: Nested",
        "Given value: {",
    )
    # An option of a class in an option: each has a line of its own.
    option = ".".join(dict.fromkeys(re.findall(r'Parser key "([^"]+)":', message)))
    message = re.sub(r'Parser key "[^"]+":', "", message)
    lines = [line.strip(" -") for line in message.splitlines()]
    text = "; ".join(line for line in lines if line and not line.startswith(noise))
    if unknown := re.match(r"Option '([\w.]+)' is not accepted", text):
        return f"unrecognized arguments: --{option}.{unknown[1]}"
    for pattern, words in (
        (r"Expected a typing\.Literal\[(.*?)\]", lambda match: f"expected one of {match[1].replace(chr(39), '')}"),
        (r"Expected an? <class '([\w.]+)'>", r"expected \1"),
        (r"Not of type \w+: ", ""),
        (r"[.;]* (Got|Given) value: ", "; got "),
    ):
        text = re.sub(pattern, words, text)
    return f"{option}: {text}" if option else text


def check_own_options(command: str, options: Namespace) -> None:
    """Refuse options that would be passed over in silence.

    Raises:
        ConfigError: A seed that NumPy does not take, for which Lightning takes another; an option with another command
            than its own, or several that say where a fit begins.
    """
    given = {
        ("--out", "predict"): options.out,
        ("--data.pairs", "predict"): options.data.init_args.get("pairs"),
        ("--ranking_users", "test"): options.ranking_users,
        ("--resume", "fit"): options.resume or None,
        ("--initial_checkpoint", "fit"): options.initial_checkpoint,
    }
    if not isinstance(options.seed_everything, bool) and not 0 <= options.seed_everything <= LARGEST_SEED:
        raise ConfigError(f"Expected seed_everything from 0 to {LARGEST_SEED}, got {options.seed_everything}.")
    for (option, its_command), value in given.items():
        if value is not None and command != its_command:
            raise ConfigError(f"Expected {option} with {its_command} alone, got it with {command}. Leave it out.")
    starts = [f"--{name}" for name in ("resume", "ckpt_path", "initial_checkpoint") if options[name]]
    if command == "fit" and len(starts) > 1 and starts != ["--resume", "--initial_checkpoint"]:
        raise ConfigError(f"Expected one of {' and '.join(starts)}: each says where the fit begins. Leave one out.")
