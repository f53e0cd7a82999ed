"""A bare loop in torch, as one would write it by hand: bare.py EPOCHS BATCH RATE.

The network 784-512-16-512-784 with a sigmoid at its end, squared error, Adam with its fused step.
"""

from __future__ import annotations

import sys

import torch
from _measure import Clock, mean_squared_error, peak, pictures, report, warm_up
from torch import nn

epochs, batch_size, rate = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
torch.manual_seed(0)
warm_up()
imported = peak()
images = torch.from_numpy(pictures("mnist", "train").reshape(-1, 784))
clock = Clock()
encoder = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 16))
decoder = nn.Sequential(nn.Linear(16, 512), nn.ReLU(), nn.Linear(512, 784), nn.Sigmoid())
network = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(network.parameters(), rate, fused=True)
for _ in range(epochs):
    for chosen in torch.randperm(len(images)).split(batch_size):
        batch = images[chosen].float().div_(255)
        loss = nn.functional.mse_loss(network(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
used, most = clock.read(), peak()
test = pictures("mnist", "test")
with torch.no_grad():
    reconstructed = network(torch.from_numpy(test.reshape(-1, 784) / 255.0).float()).numpy()
report(
    **used,
    test_mse=mean_squared_error(reconstructed, test),
    peak_mib=round(most - imported, 1),
    images_per_cpu_second=round(epochs * len(images) / used["cpu_seconds"], 1),
    images_per_second=round(epochs * len(images) / used["seconds"], 1),
)
