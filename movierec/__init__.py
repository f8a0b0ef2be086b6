"""Train, test and compare models that predict how a user rates a film."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from movierec.recommend.recommender import Recommender
    from movierec.training.commands import fit, test

__all__ = ["Recommender", "__version__", "fit", "test"]
__version__ = "0.2.0"
PLACES = {"Recommender": "recommend.recommender", "fit": "training.commands", "test": "training.commands"}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: torch and Lightning take seconds."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"movierec.{PLACES[name]}"), name)
