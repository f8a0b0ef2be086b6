"""Train, test and compare neural networks that predict how a user rates a film."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from movierec.recommend.recommender import Recommender

__all__ = ["Recommender", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the recommender when it is asked for: torch takes seconds."""
    if name != "Recommender":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from movierec.recommend.recommender import Recommender

    return Recommender
