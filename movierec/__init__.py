"""Train, test and compare neural networks that predict how a user rates a film."""

__version__ = "0.1.0"
