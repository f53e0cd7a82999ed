"""Latents: how features become a code and what the code costs; they know nothing of images or nets."""

from diabolo.latents.base import CanDraw, CanSample, CanTokenise, Code, Shape
from diabolo.latents.codebook import Codebook
from diabolo.latents.coded import Coded, CodedLatent
from diabolo.latents.contractive import Contractive
from diabolo.latents.linear import Linear
from diabolo.latents.plain import Plain
from diabolo.latents.quantised import Quantised
from diabolo.latents.sparse import Sparse
from diabolo.latents.tokens import Usage
from diabolo.latents.variational import Variational
from diabolo.options import Family

LATENTS = Family("latent", Plain, Linear, Sparse, Contractive, Variational, Quantised, Codebook, Coded)

__all__ = [
    "LATENTS",
    "CanDraw",
    "CanSample",
    "CanTokenise",
    "Code",
    "Codebook",
    "Coded",
    "CodedLatent",
    "Contractive",
    "Linear",
    "Plain",
    "Quantised",
    "Shape",
    "Sparse",
    "Usage",
    "Variational",
]
