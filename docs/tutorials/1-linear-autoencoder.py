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
# # 1. The linear autoencoder
#
# An autoencoder learns to write a picture down in few numbers, and to draw it again from them. It has two halves:
#
# - the **encoder** turns a picture $x$ (here 64 grey values) into a **code** $h$ (here 8 numbers),
# - the **decoder** turns the code back into a picture $\hat x$, the **reconstruction**.
#
# With one layer on each side this is
#
# $$h = g(W x + b), \qquad \hat x = f(W' h + b').$$
#
# $W$ is an 8 × 64 matrix, $W'$ a 64 × 8 matrix, $b$ and $b'$ are vectors, $f$ and $g$ are the *activations*. If both
# activations do nothing, $f(z) = g(z) = z$, the autoencoder is **linear**. That is where we begin, because everything
# in it can be looked at and checked by hand.
#
# Nobody tells the network what the 8 numbers should mean. It only gets pictures, and one wish: $\hat x$ should be
# like $x$.

# %%
import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch

from diabolo import Autoencoder, Flat, Plain, open_source
from diabolo.metrics import copy_score

FAST = os.environ.get("DIABOLO_FAST") == "1"  # a short run for the tests; the pictures are then less good
EPOCHS = 5 if FAST else 60
plt.rcParams["figure.dpi"] = 110

# %% [markdown]
# ## The data
#
# `digits` is a set of 1797 handwritten digits of 8 × 8 pixels, from 0 (black) to 255 (white). It ships inside
# scikit-learn. We learn from the first 1500 and keep the others aside: only pictures that the network has never seen
# tell whether it has learned or merely remembered.

# %%
digits = open_source("digits").array
train, test = digits[:1500], digits[1500:]
print("to learn from", train.shape, " to test on", test.shape, train.dtype)


def show(rows, count=10):
    """One line of pictures for each entry of `rows`, a dictionary of titles and arrays."""
    lines = [np.hstack([np.pad(picture, 1, constant_values=255) for picture in line[:count]]) for line in rows.values()]
    height, width = np.vstack(lines).shape
    _, axis = plt.subplots(figsize=(8, 8 * height / width))
    axis.imshow(np.vstack(lines), cmap="gray", vmin=0, vmax=255)
    axis.set_xticks([])
    axis.set_yticks([(i + 0.5) * len(line) for i, line in enumerate(lines)], rows)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


show({"digits": test})

# %% [markdown]
# ## The loss
#
# "$\hat x$ should be like $x$" needs a number. diabolo asks: *how probable is the picture $x$, if the decoder says
# $\hat x$?* and makes that probability as large as it can. Two answers are common:
#
# - **Gaussian**: each pixel scatters around $\hat x_i$ like a bell curve of width 1. Then
#   $-\log p(x \mid \hat x) = \tfrac{1}{2} \sum_i (x_i - \hat x_i)^2 + \text{constant}$: the *squared error*.
# - **Bernoulli**: each pixel is black or white, and $\hat x_i$ is the chance of white. Then
#   $-\log p(x \mid \hat x) = -\sum_i \left[ x_i \log \hat x_i + (1 - x_i) \log (1 - \hat x_i) \right]$: the
#   *cross-entropy*. It fits drawings in black and white, and needs $\hat x_i$ between 0 and 1, which a sigmoid $f$
#   takes care of.
#
# Our digits have many greys, so diabolo chooses the Gaussian by itself. The unit of the loss is the *nat*, the natural
# logarithm's sister of the bit.
#
# ## Fit
#
# An autoencoder is a choice on a few axes. Here: no hidden layers (`Flat(depth=0)`), and a plain code of 8 numbers.

# %%
linear = Autoencoder(Flat(depth=0), Plain(size=8), likelihood="gaussian")
linear.set_params(training__epochs=EPOCHS, training__batch_size=32, training__learning_rate=1e-2)
linear.fit(train)

history = linear.model_.metrics["history"]
figure, axis = plt.subplots(figsize=(6, 2.6))
axis.plot([row["epoch"] + 1 for row in history], [row["loss"] for row in history])
axis.set(xlabel="epochs (times every picture was seen)", ylabel="loss on held-out pictures\n(nats per picture)")
axis.grid(alpha=0.3)

# %% [markdown]
# The curve falls fast and then flattens: more epochs would gain little. diabolo measures it on a tenth of the pictures
# that it holds out, and keeps the weights of the best epoch.
#
# ## Look
#
# Always look at reconstructions of pictures that were *not* learned from.

# %%
rebuilt = linear.reconstruct(test)
show({"original": test, "from 8 numbers": rebuilt})


def error(model, pictures):
    """Mean squared error per pixel, with the range from black to white as 1."""
    return model.model_.residual(pictures).mean()


average = train.mean(0)
baseline = np.square(test / 255 - average / 255).mean()
print(f"always answering with the average picture: {baseline:.4f}")
print(f"linear autoencoder, 8 numbers:             {error(linear, test):.4f}")

# %% [markdown]
# Eight numbers instead of 64, and most digits can still be read. What is lost is what is rare: thin strokes and sharp
# edges.
#
# ## Inside: the weights are pictures
#
# $\hat x = W' h + b' = b' + h_1 w'_1 + \dots + h_8 w'_8$, where $w'_j$ is column $j$ of $W'$. Each column has 64
# numbers, so it can be drawn as a picture. A reconstruction is a *weighted sum of these eight pictures*, and the code
# is the weights of that sum.

# %%
layer = linear.model_.network.latent.layer
W, b = layer.encoder.weight.detach().numpy(), layer.encoder.bias.detach().numpy()
V, c = layer.decoder.weight.detach().numpy(), layer.decoder.bias.detach().numpy()

figure, axes = plt.subplots(1, 8, figsize=(8, 1.3))
for number, axis in enumerate(axes):
    axis.imshow(V[:, number].reshape(8, 8), cmap="RdBu", vmin=-abs(V).max(), vmax=abs(V).max())
    axis.set(xticks=[], yticks=[], title=f"$w'_{number + 1}$")

# %% [markdown]
# Blue adds light, red takes it away. Now the same by hand, in two lines of NumPy, to see that there is nothing else in
# the box:

# %%
x = test[0].reshape(64) / 255
h = W @ x + b
by_hand = V @ h + c

print("code:", np.round(h, 2))
assert np.allclose(h, linear.transform(test[:1])[0], atol=1e-5)
assert np.allclose(np.clip(by_hand * 255, 0, 255), rebuilt[0].reshape(64), atol=0.51)  # rounded to whole greys

# %% [markdown]
# ## How long should the code be?
#
# A code with fewer numbers than the picture is called **undercomplete**: it cannot hold everything, so the network has
# to find out what matters. More numbers, less error:

# %%
sizes = (2, 4, 8, 16, 32)
models = {}
for size in sizes:
    models[size] = Autoencoder.from_recipe("linear", latent__size=size).fit(train)
    print(f"{size:3d} numbers: error {error(models[size], test):.4f}")
show({"original": test} | {f"{size} numbers": models[size].reconstruct(test) for size in sizes})

# %% [markdown]
# (The recipe `linear` finds the best linear autoencoder without descending, in one step. How that is possible is the
# subject of [the next tutorial](2-linear-autoencoder-and-pca.py).)
#
# With 64 numbers or more, the code is **complete** or **overcomplete**. Then the network can simply copy: the error is
# tiny, and nothing has been learned. diabolo warns:

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    copier = Autoencoder(Flat(depth=0), Plain(size=100), likelihood="gaussian")
    copier.set_params(training__epochs=EPOCHS, training__batch_size=32, training__learning_rate=1e-2)
    copier.fit(train)
print("warning:", caught[0].message)

# %% [markdown]
# How can we tell a copier from a model that knows digits? Give both something that is no digit at all: noise. A model
# that knows only digits cannot draw it. The **copy score** measures this: 0 = draws nothing but its own data,
# 1 = copies whatever it is given.

# %%
images = torch.tensor(test / 255, dtype=torch.float32)[:, None]
generator = torch.Generator().manual_seed(0)
for name, model in {"8 numbers": linear, "100 numbers": copier}.items():
    score = copy_score(lambda batch, network=model.model_.network: network(batch).parameters, images, generator)
    print(f"{name:>12}: error on digits {error(model, test):.5f}, copy score {score:.2f}")

noise = np.random.default_rng(0).integers(0, 256, (10, 8, 8)).astype(np.uint8)
show({"noise": noise, "8 numbers": linear.reconstruct(noise), "100 numbers": copier.reconstruct(noise)})

# %% [markdown]
# The model with 8 numbers sees digit-like shapes even in noise; the one with 100 draws the noise itself. A small error
# alone says nothing: **ask what else the model would reconstruct as well**. An overcomplete code can be useful, but it
# needs a pressure that keeps it from copying: sparsity (`latent="sparse"`), contraction (`latent="contractive"`), or
# a corruption that it has to undo (`corruption="noise"`, [tutorial 4](4-denoising-autoencoder.py)).
#
# ## An activation
#
# Put a sigmoid $g(z) = 1 / (1 + e^{-z})$ on the code, and it is no longer linear: every number of the code lies
# between 0 and 1. This is the recipe `shallow`.

# %%
shallow = Autoencoder.from_recipe("shallow", latent__size=8, epochs=EPOCHS, batch_size=32, learning_rate=1e-2)
shallow.fit(train)
print(f"linear {error(models[8], test):.4f}, with a sigmoid {error(shallow, test):.4f}")

# %% [markdown]
# One squashed layer is not better than a linear one at the same number of numbers: its reconstructions are still sums
# of eight pictures, and the weights of the sum are now confined. To gain from nonlinearity, the decoder needs hidden
# layers:

# %%
deep = Autoencoder.from_recipe("deep", latent__size=8, epochs=EPOCHS, batch_size=32)
deep.set_params(architecture__width=256, architecture__depth=2).fit(train)
print(f"linear {error(models[8], test):.4f}, with hidden layers {error(deep, test):.4f}")
show({"original": test, "linear": models[8].reconstruct(test), "deep": deep.reconstruct(test)})

# %% [markdown]
# ## What to remember
#
# - Encoder, code, decoder; the loss is the improbability of the picture given its reconstruction.
# - A linear decoder draws sums of fixed pictures.
# - Short codes force a summary; long codes allow a copy, and the copy score tells which.
#
# Try: which digits have the largest error (`deep.model_.residual(test)`)? What does `linear.inverse_transform` draw
# for a code of eight zeros, and why?
