"""How one prior learns: in closed form, or step by step, for as long as it also gets to know codes held out from it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from diabolo.errors import Diverged
from diabolo.events import Listener, Note, Passed
from diabolo.options import name_of
from diabolo.recipe import Training
from diabolo.sampler import Sampler
from diabolo.training.players import Player
from diabolo.training.precision import computing, precision_of
from diabolo.training.schedule import learning_rate

EVERY = 20  # steps, after which the user is told, and codes that were held out are looked at
LEAST_STEPS, MOST_TIMES = 2000, 300  # steps for few codes; how often each of many is learned from
OFTEN = 100  # times; where each code is learned more often, some are held out
SHARE, FEWEST, MOST = 0.1, 16, 0.25  # of the codes that are held out: not fewer than, but at most this share
REPEATED = 8  # times that each of them is looked at, each time with other noise
PATIENCE = 200  # steps, and as many as the best ones, without anything better


class Codes(NamedTuple):
    """Codes (n, *code), what their images are of (n, k), and, of codes that were drawn, their means and deviations."""

    values: Tensor
    conditions: Tensor
    means: Tensor | None = None
    deviations: Tensor | None = None

    def at(self, places: Tensor) -> Codes:
        means, deviations = (None if part is None else part[places] for part in (self.means, self.deviations))
        return Codes(self.values[places], self.conditions[places], means, deviations)

    def anew(self, generator: Generator) -> Tensor:
        """The codes, drawn once more where they were drawn."""
        if self.means is None or self.deviations is None:
            return self.values
        noise = torch.randn(self.means.shape, generator=generator, device=generator.device)
        return self.means + self.deviations * noise


def learn(sampler: Sampler, codes: Codes, training: Training, listen: Listener, words: bool = False) -> None:
    """Learn one prior, in closed form or, where it has a loss, by gradient, with the seed and precision of the run.

    What is drawn is not looked at beside codes that are `words` of a grid or codebook: stretched, it would leave these.
    """
    generator = Generator(codes.values.device).manual_seed(training.seed)
    sampler.prior.learn(codes.values, codes.conditions, generator)
    if hasattr(sampler.prior, "loss"):
        descend(sampler, codes, training, listen)
    if hasattr(sampler.prior, "settle") and not words:
        with torch.no_grad():
            sampler.prior.eval().settle(codes.values, codes.conditions, generator)


def descend(sampler: Sampler, codes: Codes, run: Training, listen: Listener) -> None:
    """Lessen the prior's loss, step by step, on batches drawn with a seed of their own.

    Learned too often, few codes are learned by heart, and what is drawn are those pictures again: of codes that would
    be, some are held out, and the prior is kept as it was when it knew these best. And where an image's code is a draw,
    each time is another one: of 1300 digits what was drawn then taught .8 points more.
    """
    part, name, count = sampler.part, name_of(sampler.part), len(codes.values)
    steps = min(part.steps, max(LEAST_STEPS, MOST_TIMES * count // part.batch_size))
    device, precision = codes.values.device, precision_of(run.precision, codes.values.device)
    training = Training(
        epochs=1,
        learning_rate=part.learning_rate,
        optimizer=part.optimizer,
        ema=part.ema,
        schedule="cosine",
        warmup=0.02,
    )
    player = Player(name, sampler.prior.train(), lambda *_: {}, training)
    codes, held_out = split(codes, steps * part.batch_size, run.seed)
    often, watch = len(held_out.values) > 0, Watch(sampler, player, held_out, precision, run.seed)
    count, numbers = len(codes.values), codes.values[0].numel()
    generator = Generator(device)
    shuffle, order = Generator().manual_seed(run.seed), torch.zeros(0, dtype=torch.long)
    for step in range(steps):
        generator.manual_seed(run.seed * steps + step)
        if len(order) < min(part.batch_size, count):
            order = torch.cat((order, torch.randperm(count, generator=shuffle)))
        chosen, order = codes.at(order[: part.batch_size].to(device)), order[part.batch_size :]
        values = chosen.anew(generator) if often else chosen.values
        with computing(device, precision):
            losses = sampler.prior.loss(values, chosen.conditions, generator)
        loss = losses.float().mean() / numbers
        if not player.step(loss, learning_rate(training, step, steps), step):
            remedy = f"--priors.{name}.learning-rate 1e-4 with --resume, which learns the prior alone"
            raise Diverged(f"the prior {name} diverged at step {step}; try: {remedy}")
        if step % EVERY == 0:
            listen(Passed(step, steps, f"steps of the prior {name}, loss {loss.item():.4g}"))
        if often and (step + 1) % EVERY == 0 and watch.in_vain(step + 1):
            break
    player.swap_average()
    if 0 < watch.step < steps:
        sampler.prior.load_state_dict(watch.weights)
        why = "from then on it only learned by heart"
        listen(Note(f"the prior {name} is kept as it was after {watch.step} of {steps} steps: {why}"))


def split(codes: Codes, learned: int, seed: int) -> tuple[Codes, Codes]:
    """Codes to learn from and codes held out, where `learned` in all are so many that each is learned very often."""
    count = len(codes.values)
    apart = min(max(FEWEST, int(SHARE * count)), int(MOST * count)) if learned > OFTEN * count else 0
    order = torch.arange(count) if not apart else torch.randperm(count, generator=Generator().manual_seed(seed + 1))
    order = order.to(codes.values.device)
    return codes.at(order[apart:]), codes.at(order[:apart])


class Watch:
    """Looks at how well codes that were held out are known, and remembers the weights that know them best."""

    def __init__(self, sampler: Sampler, player: Player, codes: Codes, precision: torch.dtype, seed: int) -> None:
        self.prior, self.player, self.precision, self.seed = sampler.prior, player, precision, seed
        self.codes = codes.at(torch.arange(len(codes.values)).repeat(REPEATED).to(codes.values.device))
        self.least, self.step = math.inf, 0
        self.weights: dict[str, Tensor] = {}

    def in_vain(self, step: int) -> bool:
        """Whether it has learned nothing more of them for long, after so many steps."""
        generator = Generator(self.codes.values.device).manual_seed(self.seed)
        self.player.swap_average()
        values = self.codes.anew(generator)
        with torch.no_grad(), computing(values.device, self.precision):
            loss = float(self.prior.eval().loss(values, self.codes.conditions, generator).float().mean())
        if loss < self.least:
            self.least, self.step = loss, step
            self.weights = {name: value.clone() for name, value in self.prior.state_dict().items()}
        self.player.swap_average()
        self.prior.train()
        return step >= 2 * self.step + PATIENCE
