"""Train a recipe whose codes are tokens: quantising.py RECIPE SET OPTION=VALUE ...; its test images are looked at once.

Of the test images: the mean squared error, and of each level the share of code words used and the perplexity.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from _measure import Clock, mean_squared_error, report, warm_up

from diabolo.latents import Usage
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit

recipe_name, dataset, *options = sys.argv[1:]
recipe = with_options(named(recipe_name), dict(option.split("=", 1) for option in options))
warm_up()
clock = Clock()
model = fit(open_source(dataset), recipe)
used = clock.read()
test = open_source(f"{dataset}-test").array
codes = model.encode(test)
latent = model.network.latent
usage = Usage(latent.vocabulary)
usage.add(latent.tokens(torch.from_numpy(codes)))
report(
    **used,
    test_mse=mean_squared_error(model.decode(codes, np.float32), test),
    code=list(model.code),
    codes_used=usage.shares(),
    perplexity=usage.perplexities(),
)
