"""Which rows read statistics that hold their own ratings, so that their numbers leak."""

LEAKING = {"self_inclusive": ("train",), "per_split": ("train", "val")}  # by the kind of statistics
