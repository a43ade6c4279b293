"""A model split over processes (PyTorch's FSDP2), and its weights and moments put together again.

Why: a 7B in float32 with Adam's moments takes 112 GB, more than one GPU has; split over eight it
takes 14 GB each. accelerate has FSDP on GPUs alone, and what nobody can run on a CPU nobody can
test here; PyTorch's `fully_shard` takes both. What is saved is whole and the very files that one
process writes: a training may go on with another number of processes, split or not.

Used as: `in_turn(open_whole)` once the group of processes stands; `whole_state(model, keep)`,
`whole(optimizer.state_dict(), keep)`, `spread(state, optimizer)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

# A rank that died is noticed by torchrun at once; others may wait while one writes a large model.
PATIENCE = timedelta(hours=2)


def join_group() -> None:
    """Make this process one of the group that torchrun started: gloo on CPUs, NCCL on GPUs."""
    import torch
    from torch import distributed

    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo",
                                       timeout=PATIENCE)


def in_turn(open_whole: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return (model, tokenizer) with the model split; on a machine one process after the other.

    Each must have the whole model in main memory to take its part: one at a time has.
    """
    from torch import distributed

    mesh = all_processes()  # they meet for it
    for turn in range(int(os.environ.get("LOCAL_WORLD_SIZE", 1))):
        if turn == int(os.environ.get("LOCAL_RANK", 0)):
            model, tokenizer = open_whole()
            model = split(model, mesh)
        distributed.barrier()
    return model, tokenizer


def all_processes() -> Any:
    """Return all processes of the group as PyTorch's mesh; they meet for it."""
    import torch
    from torch import distributed
    from torch.distributed.device_mesh import init_device_mesh

    return init_device_mesh("cuda" if torch.cuda.is_available() else "cpu",
                            (distributed.get_world_size(),))


def split(model: Any, mesh: Any) -> Any:
    """Split a model's weights over the processes of a mesh, a layer at a time; return it.

    Each layer is put together when it computes and let go after it. On GPUs weights come there
    from the CPU a layer at a time, and layers compute in bfloat16.
    """
    import torch
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    policy = (MixedPrecisionPolicy(torch.bfloat16, torch.float32) if torch.cuda.is_available()
              else MixedPrecisionPolicy())
    kinds = set(getattr(model, "_no_split_modules", None) or ())
    for module in list(model.modules()):
        if type(module).__name__ in kinds:
            fully_shard(module, mesh=mesh, mp_policy=policy)
    return fully_shard(model, mesh=mesh, mp_policy=policy)


def is_split(tensor: Any) -> bool:
    """Say whether a tensor lies in parts in several processes."""
    return hasattr(tensor, "full_tensor")


def gathered(part: Tensor, like: Any) -> Tensor:
    """Return the whole of a tensor of which `part` lies here; `like` is split in the same way."""
    from torch.distributed.tensor import DTensor

    made = DTensor.from_local(part, like.device_mesh, like.placements, run_check=False,
                              shape=like.shape, stride=like.stride())
    return made.full_tensor()


def own_part(whole: Tensor, like: Any) -> Tensor:
    """Return the part that lies here of a whole that every process has; `like` as in `gathered`."""
    return _parted(whole, like).to_local()  # type: ignore[no-any-return]


def fill(tensor: Tensor, whole: Tensor) -> None:
    """Write into a tensor, split or not, what of `whole` lies here."""
    if is_split(tensor):
        tensor.to_local().copy_(own_part(whole, tensor))  # type: ignore[attr-defined]
    else:
        tensor.copy_(whole)


def whole_state(model: Any, keep: bool) -> dict[str, Tensor]:
    """Return all weights by name, whole and on the CPU; empty where they are not to be kept.

    All processes must call it. Weights that are one and the same stay so.
    """
    made: dict[int, Any] = {}
    state = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in made:
            made[id(tensor)] = whole(tensor.detach(), keep)
        state[name] = made[id(tensor)]
    return state if keep else {}


def whole(state: Any, keep: bool) -> Any:
    """Return a state (dicts and lists of tensors) with its tensors whole and on the CPU.

    All processes must call it; those that do not `keep` get None for a split tensor.
    """
    if isinstance(state, dict):
        return {name: whole(value, keep) for name, value in state.items()}
    if isinstance(state, list):
        return [whole(value, keep) for value in state]
    if not is_split(state):
        return state
    full = state.full_tensor()
    return full.cpu() if keep else None


def spread(state: dict[str, Any], optimizer: Any) -> dict[str, Any]:
    """Return a whole optimiser state with each tensor split as the weight that it belongs to."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    return {**state, "state": {
        number: {name: _parted(value, weight) if getattr(value, "ndim", 0) else value
                 for name, value in state["state"][number].items()}
        for number, weight in zip(numbers, weights, strict=True) if number in state["state"]}}


def _parted(whole: Tensor, like: Any) -> Any:
    from torch.distributed.tensor import distribute_tensor

    if not is_split(like):
        return whole
    return distribute_tensor(whole.to(like.device), like.device_mesh, like.placements,
                             src_data_rank=None)
