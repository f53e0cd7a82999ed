"""The flags that say what pictures are of."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace


def add_labels(parser: ArgumentParser) -> None:
    """Where labels come from."""
    group = parser.add_mutually_exclusive_group()
    folders = "each picture is of the class whose name its folder has"
    group.add_argument("--labels-from-folders", action="store_true", help=folders)
    labels = (
        "a file of labels: .npy, .npz, idx1, or .csv with a column for each attribute; none: without [a set's own]; "
    )
    labels += "of a table the column that says what each row is of"
    group.add_argument("--labels", metavar="FILE|COLUMN", help=labels)


def add_categorical(parser: ArgumentParser) -> None:
    """Which columns of a table are categories though they hold numbers."""
    columns = "columns of a table whose numbers are names, not sizes"
    parser.add_argument("--categorical", default="", metavar="A,B", help=columns)


def chosen_categorical(arguments: Namespace) -> list[str]:
    """The names that were typed after `--categorical`."""
    return [name.strip() for name in arguments.categorical.split(",") if name.strip()]


def chosen_labels(arguments: Namespace) -> str | None:
    """What was typed, as `diabolo.sources.labelled` takes it; None where nothing was."""
    labels: str | None = "folders" if arguments.labels_from_folders else arguments.labels
    return labels
