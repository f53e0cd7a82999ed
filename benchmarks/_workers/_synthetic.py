"""What synthetic pictures are worth beside real ones: figures by small networks that are trained here."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from diabolo.fidelity import frechet_distance

NEAREST = 5  # neighbours of precision, recall and coverage (Naeem 2020)
COMPARED = 5000  # pictures of each kind that are compared by neighbours, or told apart
CLOSE = 0.01  # quantile of held-out pictures' distances to the training set, below which a sample counts as copied


def classifier(images: np.ndarray, labels: np.ndarray, seed: int, epochs: int = 12) -> nn.Sequential:
    """Two hidden layers of 256 and 128, one-cycle AdamW to 3e-3, batches of 128."""
    torch.manual_seed(seed)
    x, y = rows(images), torch.as_tensor(labels.astype(np.int64))
    classes = int(y.max()) + 1
    net = nn.Sequential(nn.Linear(x.shape[1], 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, classes))
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    batches = -(-len(x) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * batches)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            cross_entropy(net(x[chosen]), y[chosen]).backward()
            optimizer.step()
            schedule.step()
    return net


def accuracy(net: nn.Sequential, images: np.ndarray, labels: np.ndarray) -> float:
    """In per cent."""
    with torch.no_grad():
        right = net(rows(images)).argmax(1) == torch.as_tensor(labels.astype(np.int64))
    return 100 * float(right.double().mean())


def neighbourhoods(net: nn.Sequential, real: np.ndarray, made: np.ndarray) -> dict[str, float]:
    """Precision, recall (Kynkaanniemi 2019), density, coverage (Naeem 2020), Frechet distance; last hidden layer."""
    with torch.no_grad():
        a, b = (net[:-1](rows(images[:COMPARED])) for images in (real, made))
    reach_a, reach_b = (torch.cdist(x, x).kthvalue(NEAREST + 1, 1).values for x in (a, b))
    between = torch.cdist(a, b)
    within = between < reach_a[:, None]
    return {
        "precision": float(within.any(0).double().mean()),
        "recall": float((between < reach_b).any(1).double().mean()),
        "density": float(within.double().sum(0).mean() / NEAREST),
        "coverage": float((between.min(1).values < reach_a).double().mean()),
        "frechet": frechet_distance(a.numpy(), b.numpy()),
    }


def told_apart(real: np.ndarray, made: np.ndarray, seed: int) -> float:
    """Share of held-out pictures that a classifier calls rightly real or made; 0.5 = it cannot tell."""
    images = np.concatenate((real[:COMPARED], made[:COMPARED]))
    labels = np.repeat([0, 1], (len(real[:COMPARED]), len(made[:COMPARED])))
    order = np.random.default_rng(seed).permutation(len(images))
    learned, held = np.split(order, [len(order) * 4 // 5])
    return accuracy(classifier(images[learned], labels[learned], seed, epochs=8), images[held], labels[held]) / 100


def copied(train: np.ndarray, held_out: np.ndarray, made: np.ndarray, most: int = 2000) -> float:
    """Share of samples nearer to a training picture than all but `CLOSE` of the held-out ones are; `CLOSE` = none."""
    learned = rows(train)

    def nearest(images: np.ndarray) -> Tensor:
        return torch.cat([torch.cdist(part, learned).min(1).values for part in rows(images[:most]).split(200)])

    return float((nearest(made) < nearest(held_out).quantile(CLOSE)).double().mean())


def rows(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images.reshape(len(images), -1).astype(np.float32) / 255)
