"""The flags that say what pictures are of."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace


def add_labels(parser: ArgumentParser) -> None:
    """Where labels come from."""
    group = parser.add_mutually_exclusive_group()
    folders = "each picture is of the class whose name its folder has"
    group.add_argument("--labels-from-folders", action="store_true", help=folders)
    labels = "a file of labels: .npy, .npz, idx1, or .csv with a column for each attribute; none: without [a set's own]"
    group.add_argument("--labels", metavar="FILE", help=labels)


def chosen_labels(arguments: Namespace) -> str | None:
    """What was typed, as `diabolo.sources.labelled` takes it; None where nothing was."""
    labels: str | None = "folders" if arguments.labels_from_folders else arguments.labels
    return labels
