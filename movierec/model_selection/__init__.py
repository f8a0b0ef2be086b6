"""Choose between models: train and test all of them."""
