"""Draw from pythae's samplers on MNIST: pythae_sampling.py MODEL SEED MOST FOLDER EPOCHS SAMPLER ...

MODEL: "VAE" (cross-entropy) or "RAE" (RAE_L2), with pythae's default networks (784-512-16-512-784), batches of 128,
Adam at 1e-3, trained by pythae's own trainers. MOST: pictures for a trial; 0 = all. What each SAMPLER (normal, mixture,
maf) draws is kept as FOLDER/SAMPLER.npy, uint8. Reports CPU-seconds as the worker `sampling` does.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measure import Clock, pictures, report, warm_up
from pythae.data.datasets import BaseDataset
from pythae.models import RAE_L2, VAE, RAE_L2_Config, VAEConfig
from pythae.samplers import GaussianMixtureSampler, GaussianMixtureSamplerConfig, MAFSampler, NormalSampler
from pythae.trainers import BaseTrainer, BaseTrainerConfig, CoupledOptimizerTrainer, CoupledOptimizerTrainerConfig

SIZE, BATCH, RATE, DRAWN = 16, 128, 1e-3, 10_000
FLOW_EPOCHS, FLOW_BATCH = 3, 256  # 700 steps


def trained(name: str, seed: int, numbers: torch.Tensor, epochs: int, folder: str) -> Any:
    data = BaseDataset(numbers, torch.zeros(len(numbers)))
    common = {"output_dir": folder, "num_epochs": epochs, "seed": seed}
    common |= {"per_device_train_batch_size": BATCH, "per_device_eval_batch_size": BATCH}
    torch.manual_seed(seed)
    if name == "VAE":
        model = VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=SIZE, reconstruction_loss="bce"))
        config = BaseTrainerConfig(**common, learning_rate=RATE, optimizer_cls="Adam")
        BaseTrainer(model, data, training_config=config).train()
    else:
        model = RAE_L2(RAE_L2_Config(input_dim=(1, 28, 28), latent_dim=SIZE))
        rates = {"encoder_learning_rate": RATE, "decoder_learning_rate": RATE}
        optimizers = {"encoder_optimizer_cls": "Adam", "decoder_optimizer_cls": "Adam"}
        config = CoupledOptimizerTrainerConfig(**common, **rates, **optimizers)
        CoupledOptimizerTrainer(model, data, training_config=config).train()
    return model.eval()


def learned(name: str, model: Any, numbers: torch.Tensor, seed: int, folder: str) -> Any:
    if name == "normal":
        return NormalSampler(model=model)
    if name == "mixture":
        sampler = GaussianMixtureSampler(model=model, sampler_config=GaussianMixtureSamplerConfig(n_components=10))
        sampler.fit(numbers)
        return sampler
    sampler = MAFSampler(model=model)
    sizes = {"per_device_train_batch_size": FLOW_BATCH, "per_device_eval_batch_size": FLOW_BATCH}
    config = BaseTrainerConfig(
        output_dir=folder, num_epochs=FLOW_EPOCHS, learning_rate=RATE, seed=seed, optimizer_cls="Adam", **sizes
    )
    sampler.fit(numbers, training_config=config)
    return sampler


def main(name: str, seed: str, most: str, out: str, epochs: str, *samplers: str) -> None:
    logging.disable(logging.INFO)
    images = pictures("mnist", "train")
    numbers = torch.from_numpy(images[: int(most) or len(images)]).float().div_(255).unsqueeze(1)
    warm_up()
    cells = {}
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        model = trained(name, int(seed), numbers, int(epochs), folder)
        training = clock.read()["cpu_seconds"]
        for sampler_name in samplers:
            clock = Clock()
            sampler = learned(sampler_name, model, numbers, int(seed), folder)
            learning = clock.read()["cpu_seconds"]
            torch.manual_seed(int(seed))
            clock = Clock()
            with torch.no_grad():
                drawn = sampler.sample(num_samples=DRAWN, return_gen=True, save_sampler_config=False)
            values = drawn[:, 0].mul(255).round().byte().numpy()
            cells[sampler_name] = {"learning": learning, "drawing": clock.read()["cpu_seconds"]}
            np.save(Path(out) / f"{sampler_name}.npy", values)
    report(training=training, seen=len(numbers) * int(epochs), priors=cells, version=version("pythae"))


if __name__ == "__main__":
    main(*sys.argv[1:])
