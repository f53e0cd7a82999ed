"""The processes that train together: one by default, or those that torchrun started."""

from __future__ import annotations

import dataclasses
import os
import warnings

import torch
from torch import Tensor, distributed, nn

from diabolo.errors import Mistake


@dataclasses.dataclass(frozen=True)
class Processes:
    """This process among those that train together, and the device it works on."""

    device: torch.device
    rank: int = 0
    count: int = 1
    restarted: bool = False  # by torchrun, after a process was lost

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, module: nn.Module, shard: bool) -> nn.Module:
        """The module whose gradients are averaged over all processes; with `shard` its weights are split as well."""
        if self.count == 1:
            return module
        if shard:
            from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

            # The decoder's last step is a view, which nothing here changes in place.
            warnings.filterwarnings("ignore", message="FSDP2-wrapped module")
            fully_shard(module)
            register_fsdp_forward_method(module, "encode")  # of a network, which players also ask for codes alone
            return module
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(module)

    def total(self, value: Tensor) -> Tensor:
        """The sum of a tensor over all processes."""
        if self.count > 1:
            distributed.all_reduce(value)
        return value


def join(device: str = "auto") -> Processes:
    """Find the device, and the other processes if torchrun started this one."""
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    chosen = find_device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)  # where what is sharded is put
    attempt = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
    if count > 1 and not distributed.is_initialized():
        # torchrun's store outlives a restart, and with it the addresses of the dead: each attempt needs its own keys.
        # Machines count their restarts by themselves, so only on one machine is the number everybody's.
        from torch.distributed import PrefixStore  # type: ignore[attr-defined]
        from torch.distributed.rendezvous import rendezvous

        alone = os.environ.get("GROUP_WORLD_SIZE", "1") == "1"
        store, _, _ = next(rendezvous("env://", rank, count))
        store = PrefixStore(f"diabolo/attempt-{attempt if alone else 'any'}", store)
        backend = "nccl" if chosen.type == "cuda" else "gloo"
        distributed.init_process_group(backend, store=store, rank=rank, world_size=count)
    return Processes(chosen, rank, count, attempt > 0)


def leave() -> None:
    """End the process group, so that torchrun's processes exit cleanly."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def find_device(name: str, local_rank: int = 0) -> torch.device:
    """The device of a name (auto, cpu, cuda, cuda:1, mps, ...); a `Mistake` if it is not there."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda", local_rank) if gpus else torch.device("cpu")
    here = ["auto", "cpu", *(f"cuda:{i}" for i in range(gpus)), *(["mps"] if torch.backends.mps.is_available() else [])]
    wanted = f"cuda:{local_rank}" if name == "cuda" else name
    if wanted not in here:
        raise Mistake("no such device", got=name, allowed=", ".join(here), remedy="--device cpu")
    return torch.device(wanted)
