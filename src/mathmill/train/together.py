"""What a trainer does otherwise as one of several processes: one writes, and all meet for it.

Why: transformers writes a model that is whole in every process; of one that is split each has a
part, so all must give theirs. Its checkpoints here are the files that one process alone would
write, whole, whatever wrote them: a training may go on with more or fewer processes.

Used as: a base of `train.trainer`'s class, before SFTTrainer; `from_first(number)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathmill.errors import InputError, StepFailed
from mathmill.ranks.rank import Rank
from mathmill.train.split import fill, spread, whole, whole_state

OPTIMIZER, SCHEDULER = "optimizer.pt", "scheduler.pt"  # as transformers names them
REPLACED = ("save_model", "_save", "_save_checkpoint", "_save_optimizer_and_scheduler",
            "_load_from_checkpoint", "_load_optimizer_and_scheduler")


def from_first(number: int) -> int:
    """Return the number (or flag) that the first process says; all must ask."""
    import torch
    from torch import distributed

    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    said = torch.tensor([int(number)], device=device)
    distributed.broadcast(said, 0)
    return int(said.item())


def check_replaced(trainer: object) -> None:
    """Raise StepFailed where a trainer lacks a method that is replaced for a split model.

    Why: most are transformers' own affairs. Under another name they would be called as they are,
    and write one part of each weight and moment as if it were the whole.
    """
    for name in REPLACED:
        if not callable(getattr(trainer, name, None)):
            from transformers import __version__

            raise StepFailed(f"transformers {__version__} has no Trainer.{name}, without which a "
                             "split model's checkpoints would be in parts; install transformers "
                             "5.23, or leave the model whole (--whole)")


class Together:
    """The part of a trainer that knows of other processes."""

    rank: Rank
    args: Any
    accelerator: Any
    model: Any
    optimizer: Any
    lr_scheduler: Any
    counted = False

    def begin_together(self) -> None:
        """Draw (dropout) by itself, and have accelerate leave a split model as it is.

        It would lay DDP around it.
        """
        import torch

        # The trainer seeds all processes alike: they would drop the same places of their rows.
        torch.manual_seed(self.args.seed + (self.rank.number << 32))
        if self.rank.split:
            check_replaced(super())
            prepare = self.accelerator.prepare_model
            self.accelerator.prepare_model = lambda model, **_: prepare(
                model, device_placement=False, evaluation_mode=True)

    def check_count(self, count: Any) -> None:
        """Raise StepFailed where a step's count of answer tokens is not that of all processes.

        All must ask. Only the first time it is looked at: the loss would be wrong by a factor, and
        nothing else would tell.
        """
        if self.counted:
            return
        self.counted = True
        if from_first(int(count)) != int(count):
            from transformers import __version__

            raise StepFailed(f"transformers {__version__} does not count the answer tokens of all "
                             "processes; install transformers 5.23, or give --processes 1")

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

        weights = {**dict(self.model.named_buffers()),
                   **dict(self.model.named_parameters(remove_duplicate=False))}
        lacking = {id(weight): name for name, weight in self.model.named_parameters()}
        unknown = []
        for file in Path(resume_from_checkpoint).glob("*.safetensors"):
            with safe_open(str(file), framework="pt") as held, torch.no_grad():
                for name in held.keys():  # noqa: SIM118 - it is no mapping
                    if name not in weights:
                        unknown.append(name)
                        continue
                    lacking.pop(id(weights[name]), None)
                    fill(weights[name], held.get_tensor(name))
        if lacking or unknown:  # some models are written in other pieces than they compute with
            raise InputError(resume_from_checkpoint, "its weights are not those of the model (such "
                             f"as {[*unknown, *lacking.values()][0]})",
                             "go on with --whole, or take the folder away and begin anew")

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
