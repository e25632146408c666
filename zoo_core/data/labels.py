"""Class names of the data sets, by label. Imports nothing, so that faces can use it."""

CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
}  # fmt: skip
