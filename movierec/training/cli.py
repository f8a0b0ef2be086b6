"""Parse the options of fit, validate, test and predict with LightningCLI, and build the objects they describe."""

import difflib
import inspect
import re
from argparse import HelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
import yaml
from jsonargparse import SUPPRESS, Namespace, get_loader, set_loader
from jsonargparse.typing import NonNegativeInt
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from movierec.data import MovieDataModule
from movierec.data.split import LARGEST_SEED, Refit
from movierec.errors import ConfigError
from movierec.models import MLP
from movierec.runs import ROOT
from movierec.training.base_task import BaseTask
from movierec.training.bias_task import BiasTask  # noqa: F401 - so that help lists it
from movierec.training.checkpoints import BestCheckpoint, LastCheckpoint
from movierec.training.ease_task import EaseTask  # noqa: F401 - likewise
from movierec.training.gibbs_task import GibbsTask  # noqa: F401 - likewise
from movierec.training.history_task import HistoryTask  # noqa: F401 - likewise
from movierec.training.list_baseline_task import ListBaselineTask  # noqa: F401 - likewise
from movierec.training.rating_task import RatingTask

SEED = 123
# What --help shows; --help-all shows the rest.
SHOWN = (
    r"--help|--help-all|--config|--print_config|--name|--ckpt_path|--data(\.help)?|--model(\.help)?"
    r"|--trainer\.(accelerator|devices|precision|enable_progress_bar)"
)
SHOWN_OF = {
    "fit": r"--seed_everything|--resume|--refit|--initial_checkpoint|--histograms|--checkpoint\.monitor"
    r"|--trainer\.(max_epochs|callbacks(\.help)?)",
    "validate": "--seed_everything",
    "test": "--seed_everything|--ranking_users",
    "predict": "--seed_everything|--out",
}
TITLES = {"trainer": "Trainer", "model": "Model", "data": "Data", "checkpoint": "Best epoch"}
NOISE = (  # lines of jsonargparse's account of all types it tried
    "Does not validate against", "Subtypes:", "Errors:", "Problem with given class_path", "Given value type",
    "Expected a <class 'NoneType'>", "Given value: Nested", "Given value: {",
)  # fmt: skip


def load_yaml(text: str) -> Any:
    """Load the value of an option or a configuration: YAML, or a path that is not UTF-8."""
    if any("\udc80" <= letter <= "\udcff" for letter in text):  # Python's sign for a byte of such a path
        return text
    # PyYAML escapes it, which libyaml, jsonargparse's loader, does not read.
    return yaml.safe_load(text) if r"\uDC" in text else yaml_loader(text)


yaml_loader = get_loader("yaml")
set_loader("yaml", load_yaml, (yaml.YAMLError,))


class Parser(LightningArgumentParser):
    """Lightning's parser with short help and short error messages.

    Attributes:
        shown: Pattern of the options that the help shows; None shows all.
    """

    shown: re.Pattern[str] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, allow_abbrev=False, **kwargs)  # a misspelt option is not another one

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        """Write the help of the options in `shown`."""
        if self.shown is None:
            return super().format_help(formatter)
        hidden = [action for action in self._actions if not any(map(self.shown.fullmatch, action.option_strings))]
        helps = [action.help for action in hidden]
        for action in hidden:
            action.help = SUPPRESS
        text = super().format_help(formatter)
        for action, own in zip(hidden, helps, strict=True):  # a configuration is written without suppressed options
            action.help = own
        return re.sub(r",\s+known\s+subclasses:\s+(lightning|torch)[^)]*", "", text)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the error and exit with status 2."""
        if not self.exit_on_error:
            super().error(message, ex)
        parser = getattr(ex, "subcommand_parser", None) or self
        help_option = "--help-all"
        if one := re.match(r"""Parser key "(data|model)":.*?class_path '([\w.]+)'""", message, flags=re.DOTALL):
            help_option = f"--{one[1]}.help {one[2].rpartition('.')[2]}"
        message = shorten(message)
        hint = f"All options: {parser.prog.replace(' [options]', '')} {help_option}"
        if unknown := re.match(r"unrecognized arguments: (--[\w.]+)", message, flags=re.IGNORECASE):
            nested = {
                "data": MovieDataModule,
                "model": RatingTask,
                "model.network": MLP,
                "model.optimizer": torch.optim.AdamW,
            }
            known = {f"--{name}.{each}" for name, kind in nested.items() for each in inspect.signature(kind).parameters}
            own = {option for action in parser._actions for option in action.option_strings}  # noqa: SLF001 - argparse's
            known |= {option for option in own if not option.endswith(".help")}
            if close := difflib.get_close_matches(unknown[1], known, n=1):
                hint = f"Did you mean {close[0]}? {hint}"
        self.exit(2, f"movierec: error: {message}\n{hint}\n")


LOGGER = (
    "expected the class of the logger before its options, such as --trainer.logger CSVLogger. To write runs elsewhere, "
    "checkpoints and all, use --trainer.default_root_dir."
)


def shorten(message: str) -> str:
    """Shorten a message of jsonargparse, which lists every type it tried, to what helps a user."""
    # An option of a class in an option: each has a line of its own.
    option = ".".join(dict.fromkeys(re.findall(r'Parser key "([^"]+)":', message)))
    message = re.sub(r'Parser key "[^"]+":', "", message)
    lines = [line.strip(" -") for line in message.splitlines()]
    text = "; ".join(line for line in lines if line and not line.startswith(NOISE))
    if unknown := re.match(r"Option '([\w.]+)' is not accepted", text):
        return f"unrecognized arguments: --{option}.{unknown[1]}"
    for pattern, words in (
        (r"Expected a typing\.Literal\[(.*?)\]", lambda match: f"expected one of {match[1].replace(chr(39), '')}"),
        (r"Expected an? <class '([\w.]+)'>", r"expected \1"),
        (r"Not of type \w+: ", ""),
        (r"[.;]* (Got|Given) value: ", "; got "),
        (r"(Expected an instantiatable class, but [\w.]+\.Logger is abstract; )+.*", LOGGER),
    ):
        text = re.sub(pattern, words, text)
    return f"{option}: {text}" if option else text


class ExperimentCLI(LightningCLI):
    """Parse the options of a command, and build the data module and the model; `build_trainer` builds the trainer.

    Args:
        command: `fit`, `validate`, `test` or `predict`.
        args: Its options.
    """

    def __init__(self, command: str, args: Sequence[str]) -> None:
        self.command, self.arguments = command, list(args)
        super().__init__(
            BaseTask,
            MovieDataModule,
            run=False,
            subclass_mode_model=True,
            subclass_mode_data=True,
            seed_everything_default=SEED,
            auto_configure_optimizers=False,
            save_config_callback=None,  # RunRecord saves it
            # The last checkpoint comes after the best one, whose state it holds.
            trainer_defaults={
                "devices": 1,
                "max_epochs": 50,
                "num_sanity_val_steps": 0,
                "enable_model_summary": False,
                "callbacks": [LastCheckpoint()],
            },
            parser_class=Parser,
            parser_kwargs={
                "prog": f"python -m movierec {command}",
                "usage": "%(prog)s --config CONFIG [options]",
                "description": "For the data options, see --data.help RatingsDataModule.",
            },
            args=self.arguments,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the checkpoint group and our own options; without a `model`, RatingTask trains a network."""
        parser.set_defaults({"model": {"class_path": f"{RatingTask.__module__}.{RatingTask.__qualname__}"}})
        parser.add_lightning_class_args(BestCheckpoint, "checkpoint")
        add = parser.add_argument
        add("--help-all", action="help", help="Show all options, Lightning's among them, and exit.")
        add("--name", type=str | None, help="Name of the run. Default: that of the configuration.")
        add("--ckpt_path", type=str | None, help="Checkpoint: a file, or `best` or `last` of the newest run.")
        add("--resume", action="store_true", help="Continue the newest run of the name, or start one.")
        add("--initial_checkpoint", type=str | None, help="Checkpoint whose weights a new run starts with.")
        add(
            "--refit",
            type=Refit | None,
            help="Train once more, for the epochs of the best one, on training and validation ratings (`train_val`), "
            "or on all (`all`: for use, since none are left to test on).",
        )
        add("--histograms", type=bool, default=False, help="Show the weights of each epoch of fit in TensorBoard.")
        add("--out", type=str | None, help="Where predict writes. Default: in the run's folder.")
        add(
            "--ranking_users",
            type=NonNegativeInt | None,
            help="Most users whose lists `test` measures, chosen at random. Default: 10000; 0: none.",
        )
        for name, group in (parser.groups or {}).items():
            group.title = TITLES.get(name, group.title)
        if isinstance(parser, Parser) and "--help-all" not in self.arguments:
            parser.shown = re.compile(f"{SHOWN}|{SHOWN_OF[self.command]}")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse the options."""
        self.config = parser.parse_args(self.arguments)
        check_options(self.command, self.config)
        saved = self.config.clone()
        saved["ckpt_path"], saved["resume"] = None, False
        saved.pop("config", None)
        self.resolved = str(parser.dump(saved, skip_none=False))  # any command takes it as a configuration

    @property
    def plain_options(self) -> dict[str, Any]:
        """All options as plain types, with `ckpt_path` and `resume`."""
        options: dict[str, Any] = yaml.safe_load(self.resolved)
        return options | {name: self.config[name] for name in ("ckpt_path", "resume")}

    def instantiate_classes(self) -> None:
        """Build the data module and the model. The trainer is built later, when the run's folder is known."""
        self.config_init = self.parser.instantiate_classes(self.config)
        self.datamodule, self.model = self._get(self.config_init, "data"), self._get(self.config_init, "model")

    def build_trainer(self, *, callbacks: list[Any], plugins: list[Any], **defaults: Any) -> None:
        """Build the trainer: callbacks come after the given ones, plugins before them; defaults fill in."""
        given = self._get(self.config_init, "trainer")
        defaults = {name: value for name, value in defaults.items() if given.get(name) in (None, True)}
        callbacks = [*as_list(given.get("callbacks")), *callbacks]
        self.trainer = self.instantiate_trainer(
            callbacks=callbacks, plugins=[*plugins, *as_list(given.get("plugins"))], **defaults
        )


def check_options(command: str, options: Namespace) -> None:
    """Refuse options that would be ignored silently."""
    given = {
        ("--out", "predict"): options.out,
        ("--data.pairs", "predict"): options.data.init_args.get("pairs"),
        ("--ranking_users", "test"): options.ranking_users,
        ("--resume", "fit"): options.resume or None,
        ("--initial_checkpoint", "fit"): options.initial_checkpoint,
    }
    name = Path(options.name) if options.name is not None else Path("default")
    if not name.parts or name.is_absolute() or ".." in name.parts:
        raise ConfigError(
            f"Expected --name to be a folder below {ROOT}, such as wide or trials/wide; got {options.name!r}."
        )
    if not isinstance(options.seed_everything, bool) and not 0 <= options.seed_everything <= LARGEST_SEED:
        raise ConfigError(f"Expected seed_everything from 0 to {LARGEST_SEED}, got {options.seed_everything}.")
    for (option, its_command), value in given.items():
        if value is not None and command != its_command:
            raise ConfigError(f"Expected {option} only with {its_command}, got it with {command}. Leave it out.")
    if command == "fit" and options.refit and options.initial_checkpoint:
        raise ConfigError(
            "Expected --refit without --initial_checkpoint: its weights may know the ratings. Leave one out."
        )
    if command == "fit" and options.refit and options.model.init_args.get("scheduler") == "plateau":
        raise ConfigError(
            "Expected --refit with a learning rate that does not follow validation, got the scheduler "
            "plateau. Choose cosine or none."
        )
    starts = [f"--{name}" for name in ("resume", "ckpt_path", "initial_checkpoint") if options[name]]
    if command == "fit" and len(starts) > 1 and starts != ["--resume", "--initial_checkpoint"]:
        raise ConfigError(f"Expected one of {' and '.join(starts)}: each says where the fit begins. Leave one out.")


def as_list(value: Any) -> list[Any]:
    """Turn None into an empty list, and one value into a list of one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
