"""Train and test all models, each as a process of its own, so that it can be stopped and started again."""
