"""`Generator`: images in, with or without labels; new ones out, of any class, between two, or near one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.events import Listener
from diabolo.inputs import array_of, is_place
from diabolo.model import Model
from diabolo.sources import Source, is_mixed, labelled, open_rows, open_source, read_table
from diabolo.sources.conditions import as_numbers
from diabolo.sources.labelled import FOLDERS, NONE, OWN
from diabolo.tasks.generate.drawing import Drawn, Wish, check_able
from diabolo.tasks.generate.records import RecordWish, given_table, modalities_of
from diabolo.tasks.generate.ways import between, near
from diabolo.tasks.models import held, learn

LARGEST = 8 * 2**30  # bytes of images at once


class Generator(BaseEstimator):  # type: ignore[misc]
    """Makes new images like those it learned from: an autoencoder, and a prior over its codes.

    Parameters
    ----------
    model : None, path, or trained model
        What `diabolo fit generate` wrote; None where `fit` is called. `fit` starts from it where both are given.
    options : dict or None
        Options of the recipe that `fit` trains: `{"epochs": 5, "priors": "mixture"}`.
    device : str
        "cpu", "cuda", ...
    random_state : None or int
        The seed of the training; None takes the recipe's, so that fitting repeats, on a processor to the bit.
    listen : callable or None
        Called with every event (`diabolo.events`).
    categorical : names
        Columns of a table whose numbers are names.

    Attributes
    ----------
    model_ : Model
        What `fit` learned.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from diabolo import Generator
    >>> digits = load_digits()
    >>> images = digits.images / 16  # values in 0..1
    >>> generator = Generator(options={"steps": 20, "priors": "normal"}).fit(images, digits.target)
    >>> generator.sample(5, label=3, seed=0).shape
    (5, 8, 8)
    """

    def __init__(
        self,
        model: Any = None,
        *,
        options: dict[str, Any] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
        listen: Listener | None = None,
        categorical: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.options = options
        self.device = device
        self.random_state = random_state
        self.listen = listen
        self.categorical = categorical

    def fit(self, X: Any, labels: Any = None) -> Generator:
        """Learn from images: an array, a folder, a named set.

        `labels` are classes (n,), columns of several attributes, or lists of tags (`diabolo.sources.conditions_of`);
        "folders" takes the names of the folders that pictures lie in, "none" leaves out those that a named set has.

        A table is a path, a DataFrame or a dictionary of columns (n,), of numbers or categories, where cells may be
        missing; `labels` may then name the column that says what each row is of. Where a column holds pictures, or the
        paths of picture files, its rows are records of several modalities, any of which may be missing.
        """
        for learned in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(learned, None)
        source = self._source(X, labels)
        seed = {} if self.random_state is None else {"training.seed": int(self.random_state)}
        self.model_ = learn("generate", self, source, options=seed)
        self.n_iter_ = max(1, len(self.model_.metrics.get("history", [])))
        return self

    def _source(self, X: Any, labels: Any) -> Source:
        if is_mixed(X):
            if labels is None or (isinstance(labels, str) and labels != FOLDERS):
                return open_rows(X, self.categorical, "" if labels in (None, NONE) else labels)
            return labelled(open_rows(X, self.categorical), labels)
        source = open_source(X if is_place(X) else array_of(self, X, None, reset=True))
        return labelled(source, OWN if labels is None else labels, X if is_place(X) else None)

    @property
    def labels_(self) -> dict[str, tuple[str, ...]]:
        """What may be asked for: each attribute with its values; empty where nothing is known of the images."""
        sampler = self._model.sampler
        return {} if sampler is None else {attribute.name: attribute.values for attribute in sampler.attributes}

    def sample(
        self,
        n: int = 1,
        label: Any = None,
        *,
        seed: int = 0,
        guidance: float | None = None,
        balanced: bool = False,
        given: Mapping[str, Any] | None = None,
    ) -> Any:
        """n new images (n, ...), in the type that was learned from; the same arguments give the same images.

        Of a table, a dictionary of its columns, each an array (n,): whole numbers, floats with NaN for what is missing,
        or texts with "" for it.

        `label` is a class, or a dictionary of attributes and values; without one classes come as often as in what was
        learned from, or `balanced`, equally often. `guidance` above 1 makes images more typical of their class and less
        varied; None takes the model's own.

        Of records of several modalities, a dictionary of their columns, the pictures among them; `given` are the values
        of some columns that all of them have, as `{"digit": 3, "picture": image}`.
        """
        if given is not None or self._model.modalities is not None:
            if label is not None or balanced:
                raise Mistake("records have no labels, but columns", got=str(label), remedy='given={"NAME": VALUE}')
            table = given_table(self._model, given)
            self._check_size(n)
            return RecordWish(self._model, table, n, seed=seed, guidance=guidance).arrays()
        return self.labelled_sample(n, label, seed=seed, guidance=guidance, balanced=balanced)[0]

    def complete(self, records: Any, *, seed: int = 0, guidance: float | None = None) -> dict[str, np.ndarray]:
        """Records with all that they lack made to fit what they have: columns (n,), pictures (n, ...).

        `records` are a table as `fit` takes it, whose cells, pictures or columns may be missing; what is there stays as
        it is. Cells beside a picture are read off it without chance, all else is drawn. Numbers keep to those seen.
        """
        table = read_table(records, modalities_of(self._model).picture.name)
        return RecordWish(self._model, table, seed=seed, guidance=guidance).arrays()

    def labelled_sample(self, n: int, label: Any = None, **how: Any) -> tuple[Any, np.ndarray]:
        """`sample`, and what each image is of: classes (n,), as whole numbers where all of them are, -1 = not known.

        As texts otherwise, of several attributes (n, k), "" = not known. Of records the pictures alone.
        """
        wish = Wish(self._model, n, label, **how)
        self._check_size(n)
        runs = list(wish.runs())
        images, said = np.concatenate([r.images for r in runs]), np.concatenate([r.conditions for r in runs])
        return self._shown(images, said), self._said(said)

    def stream(self, n: int, label: Any = None, **how: Any) -> Iterator[tuple[Any, np.ndarray]]:
        """`labelled_sample`, a run of some hundred images after the other, for any n."""
        runs: Iterator[Drawn] = Wish(self._model, n, label, **how).runs()
        return ((self._shown(run.images, run.conditions), self._said(run.conditions)) for run in runs)

    def interpolate(self, a: Any, b: Any, steps: int = 8, *, label: Any = None) -> np.ndarray:
        """`steps` images on the way from one image to another, both ends (as the model sees them) included.

        Along the great circle between the noises that their codes come from, where the prior knows these: on it all
        places are equally likely (White 2016). `label`: the class of all of them; where the model knows labels and is
        told none, the way goes straight from code to code.
        """
        self._refuse_rows("between two rows")
        if not isinstance(steps, int) or steps < 2:
            raise Mistake("a way has two ends", got=f"{steps} steps", allowed="2 or more")
        wish = Wish(self._model, steps, label)
        return between(wish, self._codes(np.stack([self._one(a), self._one(b)])))

    def vary(self, image: Any, strength: float = 0.3, n: int = 1, *, label: Any = None, seed: int = 0) -> np.ndarray:
        """n images near one: `strength` 0 gives the image as the model sees it, 1 any other image.

        `label`: what the image is of, where the model knows labels; its variations are then of that, too. Without it
        each moves, as far as `strength` says, towards a class of its own, which come as in what was learned from.
        """
        self._refuse_rows("near a row")
        if not (isinstance(strength, int | float) and 0 <= strength <= 1):
            raise Mistake("the strength is out of range", got=str(strength), allowed="0 to 1")
        wish = Wish(self._model, n, label, seed=seed)
        return near(wish, self._codes(self._one(image)[None]), strength)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trained model to one file, which `Generator(path)` and the command line read."""
        artifact.save(self._model, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str = "cpu") -> Generator:
        """A generator of the model in a file; a `Mistake` where it cannot make new images."""
        generator = cls(path, device=device)
        check_able(generator._model)
        return generator

    @property
    def _model(self) -> Model:
        if self.model is None:
            check_is_fitted(self, "model_")
        return held(self)

    def _refuse_rows(self, where: str) -> None:
        if self._model.encoding is not None:
            raise Mistake(f"there is nothing to draw {where} of a table", allowed="pictures, vectors")

    def _one(self, image: Any) -> np.ndarray:
        """One raw image, of an array or a picture file."""
        if is_place(image):
            return self._model.bring(open_source(image, strict=True).read(0))
        return np.asarray(image)

    def _codes(self, images: np.ndarray) -> Tensor:
        return torch.from_numpy(self._model.encode(images)).to(self._model.device, self._model.dtype)

    def cells(self, vectors: np.ndarray, conditions: np.ndarray) -> dict[str, list[str]]:
        """Rows that were drawn, as the cells of the table; a `Mistake` where the model learned from none."""
        encoding = self._model.encoding
        if encoding is None:
            raise Mistake("the model learned from no table", remedy="diabolo fit generate TABLE.csv -o MODEL")
        return encoding.decode(vectors, self._texts(conditions).tolist() if encoding.label else ())

    def _shown(self, images: np.ndarray, conditions: np.ndarray) -> Any:
        encoding = self._model.encoding
        return images if encoding is None else encoding.arrays(self.cells(images, conditions))

    def _said(self, conditions: np.ndarray) -> np.ndarray:
        values = list(self.labels_.values())
        return as_numbers(values[0])[conditions[:, 0]] if len(values) == 1 else self._texts(conditions)

    def _texts(self, conditions: np.ndarray) -> np.ndarray:
        values = [np.array([*names, ""]) for names in self.labels_.values()]  # the last one is at -1
        columns = [names[conditions[:, i]] for i, names in enumerate(values)]
        return columns[0] if len(columns) == 1 else np.stack(columns, 1) if columns else np.full(len(conditions), "")

    def _check_size(self, n: int) -> None:
        conversion = self._model.conversion
        size = n * int(np.prod(conversion.shape)) * np.dtype(conversion.dtype).itemsize
        if size > LARGEST:
            remedy = "Generator.stream, or diabolo generate -n N -o OUT"
            raise Mistake("so many images do not fit the memory", f"{size / 2**30:,.0f} GiB", "8 GiB", remedy)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_") or self.model is not None
