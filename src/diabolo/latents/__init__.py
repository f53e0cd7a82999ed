"""Latents: how features become a code and what the code costs; they know nothing of images or nets."""

from diabolo.latents.base import Code, Shape
from diabolo.latents.coded import Coded, CodedLatent
from diabolo.latents.contractive import Contractive
from diabolo.latents.linear import Linear
from diabolo.latents.plain import Plain
from diabolo.latents.sparse import Sparse
from diabolo.latents.variational import Variational
from diabolo.options import Family

LATENTS = Family("latent", Plain, Linear, Sparse, Contractive, Variational, Coded)

__all__ = [
    "LATENTS",
    "Code",
    "Coded",
    "CodedLatent",
    "Contractive",
    "Linear",
    "Plain",
    "Shape",
    "Sparse",
    "Variational",
]
