"""Train pythae's AE with its default encoder and decoder: pythae_autoencoder.py SEED EPOCHS BATCH RATE TARGET.

The network is 784-512-16-512-784 with a sigmoid at its end. With a TARGET above 0 the test error is looked at five
times an epoch, on a clock that stands still meanwhile, and training ends when it is reached.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from importlib.metadata import version

import torch
from _measure import mean_squared_error, peak, pictures, report, warm_up
from pythae.data.datasets import BaseDataset, DatasetOutput
from pythae.models import AE, AEConfig
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback

seed, epochs, batch_size = (int(argument) for argument in sys.argv[1:4])
rate, target = (float(argument) for argument in sys.argv[4:6])
logging.disable(logging.INFO)
warm_up()
imported = peak()
images = pictures("mnist", "train")
test = pictures("mnist", "test")


class Reached(Exception):
    """The target was reached."""


class Watch(TrainingCallback):
    """Looks at the test error; `away` are the seconds that looking took, of the processor and of the wall."""

    def __init__(self) -> None:
        self.steps, self.away = 0, [0.0, 0.0]
        self.error = float("inf")

    def on_train_step_end(self, training_config, **kwargs) -> None:
        self.steps += 1
        if target and self.steps % (len(images) // batch_size // 5) == 0:
            began = time.process_time(), time.perf_counter()
            self.error = test_error()
            self.away[0] += time.process_time() - began[0]
            self.away[1] += time.perf_counter() - began[1]
            if self.error <= target:
                raise Reached


def test_error() -> float:
    model.eval()
    with torch.no_grad():
        numbers = torch.from_numpy(test / 255.0).float().unsqueeze(1)
        reconstructed = model(DatasetOutput(data=numbers)).recon_x.numpy()
    model.train()
    return mean_squared_error(reconstructed, test)


torch.manual_seed(seed)
model = AE(AEConfig(input_dim=(1, 28, 28), latent_dim=16))
watch = Watch()
with tempfile.TemporaryDirectory() as folder:
    config = BaseTrainerConfig(
        folder, batch_size, batch_size, num_epochs=epochs, learning_rate=rate, seed=seed, optimizer_cls="Adam"
    )
    began = time.process_time(), time.perf_counter()
    numbers = torch.from_numpy(images).float().div_(255).unsqueeze(1)
    try:
        data = BaseDataset(numbers, torch.zeros(len(numbers)))
        BaseTrainer(model, data, training_config=config, callbacks=[watch]).train()
    except Reached:
        pass
    cpu, wall = time.process_time() - began[0] - watch.away[0], time.perf_counter() - began[1] - watch.away[1]
most = peak()  # before the test images
seen = watch.steps * batch_size
report(
    cpu_seconds=round(cpu, 3),
    seconds=round(wall, 3),
    steps=watch.steps,
    test_mse=test_error(),
    peak_mib=round(most - imported, 1),
    images_per_cpu_second=round(seen / cpu, 1),
    images_per_second=round(seen / wall, 1),
    version=version("pythae"),
)
