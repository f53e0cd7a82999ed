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
# # 3. The convolutional autoencoder
#
# A fully connected layer does not know that a picture is a picture: shuffle the pixels, the same way in every picture,
# and it learns just as well. It has to find out from examples alone that neighbours belong together, and to learn a
# thing anew for every place where it can appear.
#
# A **convolution** puts this knowledge in. A small window of weights $w$ slides over the picture $x$, the same weights
# everywhere:
#
# $$y_{ij} = b + \sum_{u=-1}^{1} \sum_{v=-1}^{1} w_{uv} \, x_{i+u,\, j+v}.$$
#
# Two consequences:
#
# - **few weights**: 9 per window (times the channels in and out), however large the picture is;
# - **what moves in the picture moves in the features**, and nothing else changes. This is called *equivariance*.
#
# With a *stride* of 2, the window moves by two pixels at a time and the map is half as high and half as wide. After a
# few such levels a small map with many channels is left, from which a last layer makes the code. The decoder goes the
# way back: it doubles each pixel and then convolves. (A "transposed" convolution would do both at once, but leaves
# checkerboard patterns.)

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
import torch

from diabolo import Autoencoder, Conv, open_source

FAST = os.environ.get("DIABOLO_FAST") == "1"  # a short run for the tests; the pictures are then less good
EPOCHS = 1 if FAST else 12
plt.rcParams["figure.dpi"] = 110

# %% [markdown]
# ## The data: digits that move
#
# We put each digit on a dark canvas of 16 × 16, at a random place, three times. For our eyes nothing has become harder.
# For a method that looks at each pixel by itself, much has.

# %%
digits = open_source("digits").array
COPIES = 1 if FAST else 3


def placed(pictures, seed, side=16):
    """Each picture COPIES times, at random places of a dark canvas."""
    generator = np.random.default_rng(seed)
    canvas = np.zeros((COPIES * len(pictures), side, side), np.uint8)
    for i in range(len(canvas)):
        top, left = generator.integers(0, side - 8 + 1, 2)
        canvas[i, top : top + 8, left : left + 8] = pictures[i % len(pictures)]
    return canvas


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


train, test = placed(digits[:1500], seed=0), placed(digits[1500:], seed=1)
show({"digits": test})

# %% [markdown]
# ## Equivariance, seen
#
# Before any training: take a convolutional encoder with random weights, move a digit by 4 pixels, and compare the
# features. Two levels of stride 2 make one step in the features out of 4 pixels. (`map=True` keeps the features as a
# map, without the last layer that mixes all places.)

# %%
torch.manual_seed(0)
encoder, _ = Conv(width=16, levels=2, map=True).build((1, 32, 32))
canvas = torch.zeros(1, 1, 32, 32)
canvas[0, 0, 8:16, 8:16] = torch.tensor(digits[0] / 255)
moved = torch.roll(canvas, shifts=4, dims=3)  # 4 pixels to the right

with torch.no_grad():
    features, features_moved = encoder(canvas).values, encoder(moved).values
print("features:", tuple(features.shape[1:]), "(channels, height, width)")
difference = (torch.roll(features, shifts=1, dims=3) - features_moved)[..., 2:-2].abs().max()
print(f"largest difference after moving the features by one step: {difference:.1e}")
assert difference < 1e-5

figure, axes = plt.subplots(1, 4, figsize=(8, 2.2))
channel = int(features[0].flatten(1).var(1).argmax())
shown = (canvas[0, 0], moved[0, 0], features[0, channel], features_moved[0, channel])
titles = ("picture", "moved by 4 pixels", "one channel of features", "the same, picture moved")
for axis, picture, title in zip(axes, shown, titles, strict=True):
    axis.imshow(picture.numpy(), cmap="gray")
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=8)

# %% [markdown]
# ## Three autoencoders, one code length
#
# PCA, a fully connected and a convolutional autoencoder, each with 16 numbers for the 256 pixels.

# %%
options = {"latent__size": 16, "epochs": EPOCHS, "batch_size": 32}
models = {
    "PCA": Autoencoder.from_recipe("linear", latent__size=16),
    "deep": Autoencoder.from_recipe("deep", **options, architecture__width=256, architecture__depth=2),
    "conv": Autoencoder.from_recipe("conv", **options, architecture__width=16),
}
for name, model in models.items():
    model.fit(train)
    figures = model.model_.metrics
    error = model.model_.residual(test).mean()
    print(f"{name:>5}: error on new digits {error:.4f}, {figures['parameters']:7d} weights")

show({"original": test} | {name: model.reconstruct(test) for name, model in models.items()})

# %% [markdown]
# Look at the pictures before the figures. PCA spends its 16 directions on *where* there is light, and has none left for
# *what* it is; nothing linear can move a picture. The two others learn that place and shape are different things.
#
# Look also at the number of weights: the convolutional network has the fewest of the two, because the same windows
# serve all places.
#
# ## What the code knows about places
#
# A digit walks over the canvas. For each place we ask how far its code is from the code in the middle, in units of the
# typical distance between the codes of two different test pictures.

# %%
digit = digits[1503]
walk = np.zeros((9, 16, 16), np.uint8)
for left in range(9):
    walk[left, 4:12, left : left + 8] = digit
figure, axis = plt.subplots(figsize=(6, 2.8))
for name, model in models.items():
    codes, others = model.transform(walk), model.transform(test[:200])
    typical = np.linalg.norm(others[:100] - others[100:], axis=1).mean()
    axis.plot(range(-4, 5), np.linalg.norm(codes - codes[4], axis=1) / typical, "o-", label=name)
axis.set(xlabel="pixels from the middle", ylabel="distance of the codes")
axis.grid(alpha=0.3)
axis.legend()
show({"walk": walk} | {name: model.reconstruct(walk) for name, model in models.items()}, count=9)

# %% [markdown]
# The code *has* to change with the place, since the decoder must know where to draw. A good code changes smoothly: a
# small step of the digit is a small step of the code.
#
# ## What to remember
#
# - Convolutions know two things before they have seen any data: neighbours belong together, and places are alike.
# - Compare at the **same code length**, on pictures that were **not** learned from, and look at them.
# - A network is not better by itself. On pictures that are well described by sums of fixed pictures, such as small
#   tiles of photographs, PCA is hard to beat: try `diabolo compare photo-tiles -o report.html`.
#
# Try: `Conv(map=True)` keeps the code a map and takes pictures of any size. `latent__size` is then the number of
# channels at each place; how many numbers has the code of a 16 × 16 picture with `levels=2` and `latent__size=1`?
# The [lab](5-lab-convolutional-autoencoder.py) goes on from here.
