"""Choose between models: reproduce all of them."""
