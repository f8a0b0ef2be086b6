"""Train and test models, by LightningCLI or from Python."""
