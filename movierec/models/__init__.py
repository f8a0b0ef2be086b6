"""The models, from nn.Module to what a list needs of them."""
