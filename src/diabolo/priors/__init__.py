"""Priors: each learns how the codes of images are spread, for every class, and draws new ones.

To add one: write its part in a file here and name it in the table below.
"""

from diabolo.options import Family
from diabolo.priors.autoregressive import Autoregressive
from diabolo.priors.base import Prior, Space
from diabolo.priors.flow import Flow
from diabolo.priors.flow_matching import FlowMatching
from diabolo.priors.masked import MaskedFlowMatching
from diabolo.priors.mixture import Mixture
from diabolo.priors.normal import Normal

__all__ = [
    "PRIORS",
    "Autoregressive",
    "Flow",
    "FlowMatching",
    "MaskedFlowMatching",
    "Mixture",
    "Normal",
    "Prior",
    "Space",
]

PRIORS = Family("prior", Normal, Mixture, Flow, FlowMatching, MaskedFlowMatching, Autoregressive)
