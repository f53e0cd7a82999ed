"""The tutorials run from beginning to end, in their short version, and the pages' Python runs as it stands."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import jupytext
import matplotlib
import pytest

import diabolo
from diabolo.cli.commands import COMMANDS, command
from diabolo.cli.parser import Parser
from diabolo.options import Family
from diabolo.recipe import LIKELIHOOD_CHOICES, RECIPES

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
