"""Where training starts: at another model's weights, or where the decoder gives the mean image whatever the code."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from diabolo.errors import Mistake
from diabolo.model import Model
from diabolo.network import Network
from diabolo.objectives import Bernoulli
from diabolo.recipe import Recipe
from diabolo.training.batches import Batches

SEEN = 1024  # images that are averaged
INSIDE = 0.01  # the start keeps this far from where an output activation is flat and passes no gradient


def start_at_mean(network: Network, recipe: Recipe, batches: Batches) -> None:
    """Set the bias of the decoder's last layer so that its output starts around the mean of the images.

    The same images are averaged in every process. A network that adds its output to its input starts at that
    instead, and one that ends with neither a fully connected nor a convolutional layer stays as it is.
    """
    modules = itertools.chain(network.latent.modules(), network.decoder.modules())
    layers = [module for module in modules if isinstance(module, nn.Linear | nn.Conv2d)]
    if network.decoder.needs_skips or not layers:
        return
    learned = batches.learned[:: max(1, len(batches.learned) // SEEN)][:SEEN]
    raw = batches.pictures.batches(learned, 256, batches.training.crop)
    sums = [network.seen(batches.conversion.to_network(images)).sum(0) for images in raw]
    mean = torch.stack(sums).sum(0) / len(learned)
    if isinstance(layers[-1], nn.Conv2d):
        mean = mean.mean((1, 2))
    bias = layers[-1].bias
    if bias is not None and bias.numel() == mean.numel():
        output = "sigmoid" if isinstance(recipe.likelihood, Bernoulli) else recipe.architecture.output
        with torch.no_grad():
            bias.copy_(before(output, mean.flatten()))


def start_from(start: Model, model: Model) -> None:
    """Give a model the weights of another one; a `Mistake` where its network is not the same."""
    for axis in ("architecture", "latent", "hint"):
        theirs, ours = getattr(start.recipe, axis), getattr(model.recipe, axis)
        if theirs != ours:
            raise Mistake(f"the model to start from has another {axis}", got=str(theirs), allowed=str(ours))
    try:
        model.network.load_state_dict(start.network.state_dict())
    except RuntimeError as error:
        got, allowed = start.conversion.describe(), model.conversion.describe()
        raise Mistake("the model to start from is for other images", got, allowed) from error


def before(output: str, mean: Tensor) -> Tensor:
    """What the output activation of this name turns into `mean`, or into the nearest value that it can well give.

    >>> before("sigmoid", torch.tensor([0.0, 0.5]))
    tensor([-4.5951,  0.0000])
    """
    if output == "sigmoid":
        return mean.clamp(INSIDE, 1 - INSIDE).logit()
    if output == "tanh":
        return mean.clamp(INSIDE - 1, 1 - INSIDE).atanh()
    return mean.clamp(min=INSIDE) if output == "relu" else mean
