"""The published metrics.

Source: J. Santamaria Pascual, "Deep Learning - Based Movie Recommendation System", 2025. The text says test rows;
the notebook measured the training rows, with the rows' own ratings in their features. NDCG@10, published as 1.0000 for
all, compared each rating with itself. The report's summary heads the precision "Accuracy".
"""

PUBLISHED_METRICS = ("r2", "mae", "mse", "rmse", "precision", "recall")
PUBLISHED: dict[str, dict[str, float]] = {
    model: dict(zip(PUBLISHED_METRICS, values, strict=True))
    for model, values in {
        "model1": (0.4452, 0.1217, 0.0263, 0.1621, 0.6199, 0.9309),
        "model2": (0.4699, 0.1182, 0.0252, 0.1586, 0.6185, 0.9331),
        "model3": (0.4805, 0.1186, 0.0244, 0.1563, 0.6205, 0.9401),
        "model4": (0.4629, 0.1223, 0.0253, 0.1589, 0.6534, 0.9150),
        "model5": (0.5611, 0.1054, 0.0206, 0.1436, 0.6502, 0.9453),
    }.items()
}
PUBLISHED_NDCG = 1.0  # NDCG@10 of all five
PUBLISHED_EPOCHS = {"model1": 50, "model2": 100, "model3": 50, "model4": 50, "model5": 100}
PUBLISHED_STARS = 5.0  # a unit of its unit scale: the notebook's ratings ran from 0 to 5
PUBLISHED_FAMILY = "published/"


def published_row(name: str) -> dict[str, float] | None:
    """Return the published metrics of the model that a run of this name reproduces; None for other runs."""
    return PUBLISHED.get(name.removeprefix(PUBLISHED_FAMILY)) if name.startswith(PUBLISHED_FAMILY) else None
