"""Choose between models: compare them, cross-validate them, tune them, train and test all of them."""
