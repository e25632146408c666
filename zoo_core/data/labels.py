"""Class names of the data sets, by label, and how an answer is written. Imports nothing, so faces can use it."""

CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
}  # fmt: skip


def caption(truth: str, answer: str, probability: float) -> str:
    """What stands under a test item that a classifier was shown: the truth over its answer."""
    return f"{truth}\n{answer} ({100 * probability:.0f} %)"
