"""Principal components of MNIST's 60000 x 784 training images: components.py METHOD SIZE OUT.

METHOD: ours (recipe linear, from uint8 pictures), or a way of scikit-learn's (covariance_eigh, full, randomized,
incremental; covariance_eigh-float32 in single precision), from a ready array of float64 in 0..1. Mean and components go
to the file OUT (.npz); they are judged by who asked.
"""

from __future__ import annotations

import sys

import numpy as np
from _measure import Clock, peak, pictures, report

method, size, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
images = pictures("mnist", "train")
if method == "ours":
    import torch  # noqa: F401  the import is no part of the time

    from diabolo.recipe import with_options
    from diabolo.recipes import named
    from diabolo.sources import open_source
    from diabolo.training import fit

    recipe = with_options(named("linear"), {"latent.size": size})
    source = open_source(images)
    imported, clock = peak(), Clock()
    model = fit(source, recipe)
    used, most = clock.read(), peak()
    latent = model.network.latent
    mean, components = latent.mean.detach().numpy(), latent.basis.detach().numpy()
else:
    from sklearn.decomposition import PCA, IncrementalPCA

    kind, _, precision = method.partition("-")
    ready = np.empty((len(images), 784), precision or "float64")
    np.divide(images.reshape(len(images), -1), 255.0, out=ready, casting="same_kind")
    pca = IncrementalPCA(size) if kind == "incremental" else PCA(size, svd_solver=kind, random_state=0)
    imported, clock = peak(), Clock()
    pca.fit(ready)
    used, most = clock.read(), peak()
    mean, components = pca.mean_, pca.components_
np.savez(out, mean=mean, components=components)
report(**used, peak_mib=round(most - imported, 1))
