"""How many processes a step takes, and whether a model is split over them.

Why: what the user allows (`workbench.Devices`) and what the machine has decide it, never a step's
literals: the same step has the same identity on a laptop and on eight GPUs.

Used as: `wanted(bench.devices)` -> 8; `split(bench.devices, weights=7e9, processes=8)`.
"""

from __future__ import annotations

from mathmill.errors import UsageError
from mathmill.workbench import Devices

# Bytes a trained weight takes in float32: itself, its gradient, Adam's two moments.
BYTES_A_WEIGHT = 16
# Share of a GPU's memory that these may take before they are split; activations need the rest.
SHARE = 0.6


def wanted(devices: Devices) -> int:
    """Return how many processes a machine starts: those asked for, else one a GPU, else one.

    Raises UsageError for more processes than GPUs where there are some.
    """
    if devices.processes == 1:
        return 1  # whatever there is; to look imports torch
    there = gpus()
    if devices.processes is None:
        return max(1, there)
    if there and devices.processes > there:
        raise UsageError(f"--processes {devices.processes}: this machine has {there} "
                         f"GPU{'s' if there > 1 else ''}; give at most so many")
    return devices.processes


def gpus() -> int:
    """Return the GPUs that this process sees; 0 without torch."""
    try:
        import torch
    except ImportError:
        return 0
    return torch.cuda.device_count()


def memory() -> int | None:
    """Return the bytes of the smallest GPU; None without one."""
    import torch

    found = [torch.cuda.get_device_properties(at).total_memory for at in range(gpus())]
    return min(found, default=None)


def split(devices: Devices, weights: int, processes: int, room: int | None) -> bool:
    """Say whether a model of so many trained weights is split (FSDP) over so many processes.

    As the user said; else where weights, gradients and moments exceed `SHARE` of `room`, the
    bytes of one GPU.
    """
    if processes == 1:
        return False
    if devices.shard is not None:
        return devices.shard
    return room is not None and weights * BYTES_A_WEIGHT > SHARE * room


def threads(processes: int) -> dict[str, str]:
    """Return the environment in which a rank computes: one thread each on a CPU."""
    return ({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} if processes > 1 and not gpus()
            else {})
