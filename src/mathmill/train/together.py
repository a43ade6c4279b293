"""What a trainer does otherwise as one of several processes: one writes, and all meet for it.

Why: transformers writes a model that is whole in every process; of one that is split each has a
part, so all must give theirs. Its checkpoints here are the files that one process alone would
write, whole, whatever wrote them: a training may go on with more or fewer processes.

Used as: a base of `train.trainer`'s class, before SFTTrainer; `from_first(flag)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathmill.ranks.rank import Rank
from mathmill.train.split import own_part, spread, whole, whole_state

OPTIMIZER, SCHEDULER = "optimizer.pt", "scheduler.pt"  # as transformers names them


def from_first(flag: bool) -> bool:
    """Return what the first process says; all must ask."""
    import torch
    from torch import distributed

    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    said = torch.tensor([int(flag)], device=device)
    distributed.broadcast(said, 0)
    return bool(said.item())


class Together:
    """The part of a trainer that knows of other processes."""

    rank: Rank
    args: Any
    accelerator: Any
    model: Any
    optimizer: Any
    lr_scheduler: Any

    def begin_together(self) -> None:
        """Have accelerate leave a split model as it is: it would lay DDP around it."""
        if self.rank.split:
            prepare = self.accelerator.prepare_model
            self.accelerator.prepare_model = lambda model, **_: prepare(
                model, device_placement=False, evaluation_mode=True)

    @property
    def writes(self) -> bool:
        """Whether this process writes what is kept."""
        return self.rank.number == 0

    def whole_state(self) -> dict[str, Any] | None:
        """Return a split model's whole weights, where they are written; else None.

        All processes must call it.
        """
        return whole_state(self.model, keep=self.writes) if self.rank.split else None

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the model as one process would."""
        if not self.rank.split:
            super().save_model(output_dir, _internal_call)  # type: ignore[misc]
            return
        state = self.whole_state()
        if self.writes:
            self._save(output_dir, state_dict=state)  # type: ignore[attr-defined]

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        import torch

        if not self.rank.split:
            super()._save_optimizer_and_scheduler(output_dir)  # type: ignore[misc]
            return
        state = whole(self.optimizer.state_dict(), keep=self.writes)
        if self.writes:
            torch.save(state, Path(output_dir) / OPTIMIZER)
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if not self.rank.split:
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]
            return
        import torch
        from safetensors import safe_open

        weights = dict(self.model.named_parameters(remove_duplicate=False))
        for file in Path(resume_from_checkpoint).glob("*.safetensors"):
            with safe_open(str(file), framework="pt") as held, torch.no_grad():
                for name in held.keys():  # noqa: SIM118 - it is no mapping
                    weight = weights[name]
                    weight.to_local().copy_(own_part(held.get_tensor(name), weight))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if not self.rank.split or checkpoint is None:
            super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[misc]
            return
        import torch

        state = torch.load(Path(checkpoint) / OPTIMIZER, map_location="cpu", weights_only=True,
                           mmap=True)
        plain = getattr(self.optimizer, "optimizer", self.optimizer)
        plain.load_state_dict(spread(state, plain))
        self.lr_scheduler.load_state_dict(
            torch.load(Path(checkpoint) / SCHEDULER, weights_only=True))
