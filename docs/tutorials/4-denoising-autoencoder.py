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
# # 4. The denoising autoencoder
#
# So far the network was asked to give back what it was given. Now we spoil the picture first, and ask for the clean
# one:
#
# $$\tilde x = x + \sigma \varepsilon, \qquad \min \; \lVert x - D(E(\tilde x)) \rVert^2.$$
#
# Copying no longer helps. To tell a stroke from a speck of noise, the network has to know what pictures look like. Two
# uses follow: it **restores pictures**, and it **learns good codes**, even with more numbers than the picture has
# (Vincent and others, 2008).
#
# What is the best it can do? Many clean pictures could lie behind one noisy picture. The squared error is smallest if
# the answer is their mean, weighted by how probable each is: $D(E(\tilde x)) = \mathbb{E}[x \mid \tilde x]$. That is
# why restored pictures are smooth where the noise has hidden the detail: the mean of all possible details is no detail.

# %%
import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_nl_means

from diabolo import Autoencoder, Flat, Noise, Plain, SaltAndPepper, open_source
from diabolo.metrics import copy_score

FAST = os.environ.get("DIABOLO_FAST") == "1"  # a short run for the tests; the pictures are then less good
plt.rcParams["figure.dpi"] = 110

# %% [markdown]
# ## Corruptions
#
# A corruption is a part like every other: options in, and a picture in, a spoiled picture out. Strengths are in 8-bit
# units, so `sigma=25` means a tenth of the way from black to white. Randomness is an argument, a generator: the same
# seed gives the same noise.

# %%
photos = open_source("photos")
coffee = next(photos.read(i) for i in range(len(photos)) if photos.name(i).startswith("coffee"))[60:252, 170:426]


def spoil(picture, corruption, seed=0):
    """The picture (h, w, 3), uint8, after the corruption."""
    batch = torch.tensor(picture / 255, dtype=torch.float32).permute(2, 0, 1)[None]
    spoiled = corruption(batch, torch.Generator().manual_seed(seed)).image[0].permute(1, 2, 0)
    return np.rint(spoiled.clamp(0, 1).numpy() * 255).astype(np.uint8)


def psnr(picture, clean):
    """Peak signal-to-noise ratio in decibels: 10 more means a tenth of the squared error."""
    return 10 * np.log10(255**2 / np.square(picture.astype(float) - clean).mean())


def show(pictures, columns=3):
    """Pictures with their titles."""
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.3 * columns, 2.75 * rows), squeeze=False)
    figure.subplots_adjust(wspace=0.04, hspace=0.16)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (title, picture) in zip(axes.flat, pictures.items(), strict=False):
        axis.imshow(picture)
        axis.set_title(title, fontsize=9)


show({f"sigma {sigma}": spoil(coffee, Noise(sigma=(sigma,))) for sigma in (10, 25, 50)})

# %% [markdown]
# ## Fit
#
# The recipe `denoise` has a *U-Net*: an encoder and a decoder with **skips**, paths that carry detail past the code.
# Without noise such a network would learn nothing at all, it would send the picture along the skips. With noise it has
# to decide what to let through. It learns a *correction* that is added to the noisy picture, and the strength of the
# noise is drawn anew for every picture, from 0 to 60, so that one network serves all of them.
#
# We learn from 32 × 32 tiles of five photographs. The coffee cup is none of them.

# %%
tiles = open_source("photo-tiles").array
options = {"architecture__widths": (16, 32, 64), "hint": "none", "epochs": 1 if FAST else 8, "batch_size": 32}
denoiser = Autoencoder.from_recipe("denoise", **options)
denoiser.fit(tiles[::20] if FAST else tiles)
print(f"trained in {denoiser.model_.metrics['cpu_seconds']:.0f} s of computing")

# %% [markdown]
# ## Restore
#
# A U-Net takes pictures of any size, so the whole crop goes in at once. Beside it two classics that learn nothing:
# a blur, and *non-local means*, which averages over similar patches of the same picture. Both are told the strength of
# the noise; the network is not.

# %%
noisy = spoil(coffee, Noise(sigma=(25.0,)))
blurred = gaussian_filter(noisy, sigma=(1, 1, 0))
means = denoise_nl_means(noisy / 255, sigma=25 / 255, h=0.8 * 25 / 255, patch_size=5, channel_axis=2, fast_mode=True)
restored = {
    "blur": blurred,
    "non-local means": np.rint(means * 255).clip(0, 255).astype(np.uint8),
    "denoising autoencoder": denoiser.reconstruct(noisy[None])[0],
}
pictures = {"clean": coffee, "noisy": noisy} | restored
show(pictures)
for name, picture in pictures.items():
    if name != "clean":
        print(f"{name:>22}: {psnr(picture, coffee):5.2f} dB")

# %% [markdown]
# Read the figures before you believe in the network. A minute of training on five photographs need not beat a method
# that was made for exactly this noise and is told its strength; longer training, on more pictures, shifts the balance,
# and the figures on your own pictures tell.
#
# What did it take away? The difference between the noisy picture and the answer should look like noise. Where you can
# recognise the cup in it, detail was lost.

# %%
removed = {name: noisy.astype(int) - picture for name, picture in restored.items()}
show({f"removed by: {name}": np.clip(128 + 2 * change, 0, 255).astype(np.uint8) for name, change in removed.items()})

# %% [markdown]
# ## More noise, other noise
#
# How does it hold up over the strengths, and beyond what it was trained on (60)?

# %%
strengths = (0, 5, 10, 20, 30, 45, 60, 90, 120)
before, after = [], []
for sigma in strengths:
    spoiled = spoil(coffee, Noise(sigma=(float(sigma),)), seed=1)
    before.append(min(60.0, psnr(spoiled, coffee)) if sigma else np.nan)
    after.append(psnr(denoiser.reconstruct(spoiled[None])[0], coffee))
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(strengths, before, "o--", label="noisy")
axis.plot(strengths, after, "o-", label="restored")
axis.axvspan(60, 120, color="0.9", label="not trained on")
axis.set(xlabel="sigma of the noise, 8-bit units", ylabel="PSNR, dB (higher is better)")
axis.grid(alpha=0.3)
axis.legend()
print(f"a clean picture comes back at {after[0]:.1f} dB")

# %%
peppered = spoil(coffee, SaltAndPepper())
show({"salt and pepper": peppered, "restored": denoiser.reconstruct(peppered[None])[0]}, columns=2)

# %% [markdown]
# A network undoes what it was trained to undo. White dots are no bell curve, and it takes some of them for detail. The
# remedy is to train with it: `corruption="noise,salt-and-pepper"`.
#
# ## Noise as a teacher
#
# Back to the digits of tutorial 1, where a code of 100 numbers simply copied the 64 pixels. Spoil the input, and the
# same code has to know digits. The *copy score* is the share of pure noise that a model gives back.

# %%
digits = open_source("digits").array
train, test = digits[:1500], digits[1500:]
images = torch.tensor(test / 255, dtype=torch.float32)[:, None]
for name, corruption in {"as it is": None, "noise 80": Noise(sigma=(80.0,))}.items():
    model = Autoencoder(Flat(depth=0), Plain(size=100, activation="sigmoid"), "gaussian", corruption)
    model.set_params(training__epochs=5 if FAST else 40, training__batch_size=32, training__learning_rate=1e-2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it can copy is the point
        model.fit(train)
    network = model.model_.network
    score = copy_score(lambda batch, net=network: net(batch).parameters, images, torch.Generator().manual_seed(0))
    error = model.model_.residual(test).mean()
    noise = np.random.default_rng(0).normal(0, 80, test.shape)
    spoiled = np.clip(test + noise, 0, 255).astype(np.uint8)
    cleaned = np.square(model.reconstruct(spoiled) / 255 - test / 255).mean()
    print(f"{name:>9}: copy score {score:.2f}, error on clean digits {error:.4f}, on noisy digits {cleaned:.4f}")

# %% [markdown]
# ## What to remember
#
# - Spoil the input, ask for the clean picture: the network must learn what pictures look like.
# - The squared error asks for the mean of all possible answers. Smoothness is its honest "I do not know".
# - Test on pictures that were not learned from, look at what was taken away, and know the range it was trained for.
#
# On the command line: `diabolo fit denoise PHOTOS/ -o denoise.diabolo`, then
# `diabolo denoise noisy.jpg -m denoise.diabolo -o clean.png`.
