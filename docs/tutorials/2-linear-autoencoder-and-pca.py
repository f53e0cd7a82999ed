# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. The linear autoencoder and PCA
#
# Principal component analysis (PCA) is from 1901, the autoencoder from the 1980s. This tutorial shows on real data that
# the linear autoencoder *is* PCA: same error, same subspace, same pictures. It also shows where they part.
#
# **PCA** looks for the $k$ directions along which the data varies most. Let $\mu$ be the mean picture and
# $C = \frac{1}{n-1} \sum_i (x_i - \mu)(x_i - \mu)^T$ the covariance matrix, with eigenvalues
# $\lambda_1 \ge \lambda_2 \ge \dots$ and orthonormal eigenvectors $u_1, u_2, \dots$ Keep the first $k$ as the
# rows of $U$:
#
# $$h = U (x - \mu), \qquad \hat x = U^T h + \mu.$$
#
# **A linear autoencoder** has the same form, $h = W x + b$ and $\hat x = W' h + b'$, but it is free to choose all four.
#
# **The theorem** (Baldi and Hornik, 1989): among all choices, none has a smaller squared error than PCA, and the error
# that remains is what the directions left out would have explained:
#
# $$\min \; \frac{1}{n-1} \sum_i \lVert x_i - \hat x_i \rVert^2 = \lambda_{k+1} + \lambda_{k+2} + \dots + \lambda_d.$$
#
# Moreover the loss has no false valleys: every minimum is this one, everything else flat is a saddle.

# %%
import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

from diabolo import Autoencoder, Flat, Plain, open_source
from diabolo.sources import labels

FAST = os.environ.get("DIABOLO_FAST") == "1"  # a short run for the tests
EPOCHS = 8 if FAST else 120
plt.rcParams["figure.dpi"] = 110
k = 8

digits = open_source("digits").array
x = digits.reshape(len(digits), 64) / 255  # float64, from 0 to 1
d = x.shape[1]

# %% [markdown]
# ## The bar
#
# First the right-hand side of the theorem, straight from the covariance matrix, with NumPy alone.

# %%
mean = x.mean(0)
eigenvalues, eigenvectors = np.linalg.eigh(np.cov(x.T))
eigenvalues, U = eigenvalues[::-1], eigenvectors.T[::-1]  # largest first

n = len(x)
bar = eigenvalues[k:].sum() * (n - 1) / n / d  # as a mean squared error per pixel
print(f"no linear autoencoder with {k} numbers can be below {bar:.12f}")

figure, axis = plt.subplots(figsize=(6, 2.6))
axis.bar(range(1, 33), eigenvalues[:32], color=["C0" if i < k else "0.8" for i in range(32)])
axis.set(
    xlabel="component",
    ylabel="variance λ",
    title=f"{k} of {d} directions keep {eigenvalues[:k].sum() / eigenvalues.sum():.0%} of the variance",
)

# %% [markdown]
# ## The recipe `linear`: PCA, exactly
#
# diabolo knows the theorem, so its recipe `linear` does not descend. It reads the data once, adds up a 64 × 64 matrix
# in double precision, and solves. The result is an ordinary autoencoder: it can be saved, used on the command line, and
# compared with the others.

# %%
exact = Autoencoder.from_recipe("linear", latent__size=k, validation=0.0).fit(x)
pca = PCA(k).fit(x)

ours = np.square(exact.reconstruct(x) - x).mean()
theirs = np.square(pca.inverse_transform(pca.transform(x)) - x).mean()
print(f"bar             {bar:.12f}")
print(f"scikit-learn    {theirs:.12f}")
print(f"diabolo linear  {ours:.12f}   relative difference from the bar {abs(ours - bar) / bar:.1e}")
assert abs(ours - bar) < 1e-8 * bar

# %% [markdown]
# And the directions are the same, one by one, in the same order. The cosine between two directions is 1 or -1 if they
# are the same line.

# %%
basis = exact.model_.network.latent.basis.detach().numpy()
cosines = np.abs(np.sum(basis * pca.components_, axis=1))
print("|cos| with scikit-learn's components:", np.round(cosines, 10))
assert (cosines > 0.9999).all()
assert np.allclose(basis @ basis.T, np.eye(k), atol=1e-10)  # orthonormal
codes = exact.transform(x)
assert np.allclose(np.cov(codes.T), np.diag(eigenvalues[:k]), atol=1e-10)  # uncorrelated, ordered by variance

figure, axes = plt.subplots(2, k, figsize=(8, 2.3))
for line, directions, title in zip(axes, (pca.components_, basis), ("PCA", "linear"), strict=True):
    for axis, direction in zip(line, directions, strict=True):
        axis.imshow(direction.reshape(8, 8), cmap="RdBu", vmin=-0.4, vmax=0.4)
        axis.set(xticks=[], yticks=[])
    line[0].set_ylabel(title, rotation=0, ha="right", va="center")

# %% [markdown]
# ## Descending to the same place
#
# Now the long way: start from random weights and follow the gradient. We do not tell the network that $W' = W^T$, nor
# that the directions should be orthogonal. All it knows is the squared error.

# %%
descended = Autoencoder(Flat(depth=0), Plain(size=k), likelihood="gaussian")
options = {"epochs": EPOCHS, "batch_size": 64, "learning_rate": 0.02, "validation": 0.0}
descended.set_params(**{f"training__{name}": value for name, value in options.items()})
started = time.process_time()
descended.fit(x)
seconds = time.process_time() - started

losses = np.array([row["loss"] for row in descended.model_.metrics["history"]]) * 2 / d  # nats back to squared error
reached = np.square(descended.reconstruct(x) - x).mean()
figure, axis = plt.subplots(figsize=(6, 2.8))
axis.semilogy(range(1, len(losses) + 1), np.maximum(losses - bar, 1e-9), label="gradient descent, above the bar")
axis.set(xlabel="epochs", ylabel="error above PCA's")
axis.grid(alpha=0.3)
axis.legend()
print(f"bar {bar:.6f}, reached {reached:.6f} ({reached / bar - 1:.2%} above) after {seconds:.1f} s of computing")
assert reached > bar  # the theorem

# %% [markdown]
# It approaches the bar and never passes it.
#
# But are its *pictures* those of PCA? Not at all:

# %%
layer = descended.model_.network.latent.layer
W, V = layer.encoder.weight.detach().numpy(), layer.decoder.weight.detach().numpy()
figure, axes = plt.subplots(1, k, figsize=(8, 1.2))
for axis, column in zip(axes, V.T, strict=True):
    axis.imshow(column.reshape(8, 8), cmap="RdBu", vmin=-abs(V).max(), vmax=abs(V).max())
    axis.set(xticks=[], yticks=[])
unit = V / np.linalg.norm(V, axis=0)
print("|cos| of its directions (lines) with PCA's components (columns):")
print(np.abs(unit.T @ U[:k].T).round(2))

# %% [markdown]
# PCA itself would have a single 1 in every line. Here the directions are mixed: any invertible matrix $M$ can stand
# between the halves, $W' M^{-1} \cdot M W$, without changing the reconstruction. The loss sees only the **subspace**
# the columns span, and that is PCA's. The angles between two subspaces tell: all cosines 1 means the same subspace.

# %%
orthonormal, _ = np.linalg.qr(V)
principal = np.linalg.svd(orthonormal.T @ U[:k].T, compute_uv=False)
print("cosines of the angles between the two subspaces:", np.round(principal, 4))

# %% [markdown]
# A single rotation takes one to the other: orthonormalise, then turn so that the numbers of the code are uncorrelated
# and ordered. diabolo's recipe `linear-gradient` descends and then does this, so that its code can be read like PCA's.

# %%
turned = Autoencoder.from_recipe("linear-gradient", latent__size=k, **options).fit(x)
turned_basis = turned.model_.network.latent.basis.detach().numpy()
print("|cos| with PCA's components:", np.round(np.abs(np.sum(turned_basis * pca.components_, axis=1)), 3))

# %% [markdown]
# ## Where they part
#
# Give the decoder hidden layers, and the theorem no longer holds: reconstructions need not lie in a flat subspace, they
# may follow a curved surface. At the same number of numbers a curved surface can pass closer to the data, if there is
# enough data to learn its shape. With two numbers it can even be drawn.

# %%
train, test = x[:1500], x[1500:]
flat = Autoencoder.from_recipe("linear", latent__size=2).fit(train)
curved = Autoencoder.from_recipe(
    "deep", latent__size=2, architecture__width=256, architecture__depth=2, epochs=EPOCHS // 2, batch_size=32
)
curved.fit(train)

figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
for axis, model, title in zip(axes, (flat, curved), ("PCA", "deep autoencoder"), strict=True):
    codes = model.transform(x)
    dots = axis.scatter(*codes.T, c=labels("digits"), cmap="tab10", vmin=-0.5, vmax=9.5, s=6)
    axis.set(title=f"{title}\nerror on new digits {model.model_.residual(test).mean():.4f}", xticks=[], yticks=[])
figure.colorbar(dots, ax=axes, label="digit (not told to either)", ticks=range(10))

# %% [markdown]
# | | PCA | autoencoder |
# |---|---|---|
# | form | linear | any |
# | learning | solved in one step, one optimum | descent, depends on the start and on patience |
# | code | uncorrelated, ordered: the first number matters most | mixed, no order |
# | reading it | each component is a picture | only through the decoder |
# | scale | needs a $d \times d$ matrix | needs batches; any $d$ |
#
# `diabolo compare SOURCE -o report.html` measures each of these on your own data, and says so if the deep model is the
# worse one.
#
# Try: set `k = 1`. Then the columns cannot mix; what remains free? Try `k = 64`: what is the bar, and does descent
# reach it?
