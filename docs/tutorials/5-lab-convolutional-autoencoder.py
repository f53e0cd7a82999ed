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
# # 5. Lab: the convolutional autoencoder
#
# Five questions on the subject of [tutorial 3](3-convolutional-autoencoder.py), about an hour in all. Write down what
# you expect *before* you run anything. Every question has a solution, which is hidden until you open it. (In
# JupyterLab the code of the solutions is collapsed: click on the three dots.)

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
import torch

from diabolo import Autoencoder, Conv, open_source

FAST = os.environ.get("DIABOLO_FAST") == "1"  # a short run for the tests; the pictures are then less good
EPOCHS = 2 if FAST else 25
plt.rcParams["figure.dpi"] = 110

digits = open_source("digits").array
train, test = digits[:1500], digits[1500:]


def conv(size, epochs=EPOCHS, **options):
    """A small convolutional autoencoder with a code of `size` numbers, trained on the digits."""
    model = Autoencoder.from_recipe("conv", latent__size=size, architecture__width=16, epochs=epochs, batch_size=32)
    return model.set_params(**options).fit(train)


def error(model, pictures=test):
    """Mean squared error per pixel on pictures that were not learned from, black to white being 1."""
    return model.model_.residual(pictures).mean()


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


# %% [markdown]
# ## Question 1: sizes, by hand
#
# `Conv(width=16, levels=3)` takes a colour picture of 32 × 32 pixels. Every level halves height and width by a 3 × 3
# convolution of stride 2; the channels are 16, 32, 64. Then one linear layer makes a code of 10 numbers.
#
# 1. What is the shape (channels, height, width) after each level?
# 2. How many weights has the first convolution, with its biases?
# 3. How many weights has the layer to the code?
# 4. How many weights would a fully connected layer from the picture to the same number of features as after level 1
#    have?

# %% [markdown] tags=["solution"]
# <details markdown>
# <summary>Solution 1</summary>
#
# 1. (16, 16, 16), (32, 8, 8), (64, 4, 4).
# 2. 3 × 3 × 3 weights for each of 16 channels, and 16 biases: 27 · 16 + 16 = 448.
# 3. 64 · 4 · 4 = 1024 features to 10 numbers, and 10 biases: 10 250.
# 4. 3072 numbers to 16 · 16 · 16 = 4096 features, and as many biases: 12 587 008, or 28 096 times as many as 448.
#
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true, "outputs_hidden": true}
encoder, _ = Conv(width=16, levels=3).build((3, 32, 32))
maps = torch.zeros(1, 3, 32, 32)
for layer in encoder.layers:
    before = tuple(maps.shape[1:])
    maps = layer(maps)
    if isinstance(layer, torch.nn.Conv2d):
        print(before, "->", tuple(maps.shape[1:]), sum(weights.numel() for weights in layer.parameters()), "weights")
to_code = torch.nn.Linear(encoder.features[0], 10)
print("to the code:", sum(weights.numel() for weights in to_code.parameters()))
assert encoder.features == (1024,)
assert (3072 * 4096 + 4096) // 448 == 28096

# %% [markdown]
# ## Question 2: how long a code?
#
# Train with codes of 2, 4, 8, 16 and 32 numbers, and PCA beside it (recipe `linear`). Draw the error on `test` against
# the length of the code. Where does the convolutional autoencoder win, where PCA, and why?

# %% [markdown] tags=["solution"]
# <details markdown>
# <summary>Solution 2</summary>
#
# With few numbers the curved surface of the autoencoder wins clearly: two numbers cannot span much of a *flat* space,
# but they can name a point on a surface that was bent to pass through the digits. With 32 numbers for 64 pixels PCA
# needs no cleverness any more: it drops only directions that hardly matter, and it has solved its problem exactly. The
# autoencoder still has to descend, and stops somewhere above its own best.
#
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true, "outputs_hidden": true}
sizes = (2, 8, 32) if FAST else (2, 4, 8, 16, 32)
nonlinear = {size: conv(size) for size in sizes}
linear = {size: Autoencoder.from_recipe("linear", latent__size=size).fit(train) for size in sizes}
figure, axis = plt.subplots(figsize=(6, 3))
axis.loglog(sizes, [error(linear[size]) for size in sizes], "o--", label="PCA")
axis.loglog(sizes, [error(nonlinear[size]) for size in sizes], "o-", label="convolutional")
axis.xaxis.set_minor_locator(plt.NullLocator())
axis.set(xlabel="numbers in the code", ylabel="error on new digits", xticks=sizes, xticklabels=sizes)
axis.grid(alpha=0.3)
axis.legend()

# %% [markdown]
# ## Question 3: between two digits
#
# Take two test digits. Walk from one to the other in nine steps, (a) by mixing their *pixels*, (b) by mixing their
# *codes* and decoding. What is the difference in the middle? And which of the two does PCA do?

# %% [markdown] tags=["solution"]
# <details markdown>
# <summary>Solution 3</summary>
#
# (a) fades: in the middle both digits shine through each other, which no hand has ever written. (b) moves over the
# surface that the decoder knows. Where that surface is well learned, a stroke bends or wanders; where it is not, (b)
# fades as well. Nothing in the training asks that the space *between* codes be sensible. (A variational autoencoder
# asks for it: recipe `variational`.)
#
# PCA's decoder is linear, so mixing codes is the same as mixing (reconstructed) pixels: (a).
#
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true, "outputs_hidden": true}
model = nonlinear[8]
first, last = test[3:4], test[5:6]
shares = np.linspace(0, 1, 9)[:, None]
pixels = np.stack([(1 - share) * first[0] + share * last[0] for share in shares[:, 0]])
mixed = (1 - shares) * model.transform(first) + shares * model.transform(last)
mixed_linear = (1 - shares) * linear[8].transform(first) + shares * linear[8].transform(last)
rows = {"pixels": pixels, "codes": model.inverse_transform(mixed), "PCA": linear[8].inverse_transform(mixed_linear)}
show(rows, count=9)
ends = linear[8].model_.reconstruct(np.concatenate([first, last]).astype(np.uint8)).astype(float)
faded = np.stack([(1 - share) * ends[0] + share * ends[1] for share in shares[:, 0]])
assert np.abs(faded[4] - rows["PCA"][4]).max() < 40  # equal but for the clipping to 0..255 at both ends

# %% [markdown]
# ## Question 4: another loss
#
# The digits are grey, so the Gaussian likelihood (squared error) was chosen. Train with `likelihood="bernoulli"`
# (cross-entropy; the decoder's output becomes a probability of white) and the same code length. Which has the smaller
# *squared* error? What can the Bernoulli decoder never draw, and what can the Gaussian one draw that makes no sense?

# %% [markdown] tags=["solution"]
# <details markdown>
# <summary>Solution 4</summary>
#
# One would bet on the Gaussian, since the squared error is what it asks for. Look at the figures: after the same few
# epochs the Bernoulli is level or ahead. The gradient of the cross-entropy stays large where a pixel is nearly
# certain, and wrong, and this speeds up the learning; and its output cannot waste effort on values that do not exist.
# The Bernoulli output is a sigmoid: it lies strictly between 0 and 1, so that pure black and white are reached only in
# the limit. The Gaussian decoder's output is not limited: it draws values below black and above white, which are
# clipped when they become bytes.
#
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true, "outputs_hidden": true}
bernoulli = conv(8, likelihood="bernoulli")
print(f"gaussian  {error(model):.4f}\nbernoulli {error(bernoulli):.4f}")
show({"original": test, "gaussian": model.reconstruct(test), "bernoulli": bernoulli.reconstruct(test)})
network = model.model_.network
with torch.no_grad():
    raw = network(torch.tensor(test / 255, dtype=torch.float32)[:, None]).parameters
print(f"the Gaussian decoder draws values from {float(raw.min()):.2f} to {float(raw.max()):.2f}")

# %% [markdown]
# ## Question 5: where does it fail?
#
# Sort the test digits by their error (`model.model_.residual(test)`). Draw the ten best and the ten worst with their
# reconstructions. What have the worst in common? Then turn all test digits upside down: what happens to the error, and
# to the log-likelihood `model.score_samples`? What could that be good for?

# %% [markdown] tags=["solution"]
# <details markdown>
# <summary>Solution 5</summary>
#
# The worst are written in a way that is rare in the training pictures: slanted, thick, broken. The network draws the
# nearest usual digit instead. Upside down, most digits are shapes it has never seen: the error grows, and the
# log-likelihood falls. So the error, or the likelihood, tells the *unusual*: this is how autoencoders find defects and
# outliers without ever having seen one. Digits that look alike upside down (0, 1, 8) stay unremarkable, as they should.
#
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true, "outputs_hidden": true}
order = np.argsort(model.model_.residual(test))
for name, chosen in {"best": test[order[:10]], "worst": test[order[-10:]]}.items():
    show({name: chosen, "rebuilt": model.reconstruct(chosen)})
turned = test[:, ::-1, ::-1].copy()
print(f"error:          upright {error(model):.4f}, upside down {error(model, turned):.4f}")
print(f"log-likelihood: upright {model.score(test):.1f}, upside down {model.score(turned):.1f} nats")
if not FAST:
    assert error(model, turned) > error(model)
