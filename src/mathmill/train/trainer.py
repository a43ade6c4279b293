"""TRL's SFTTrainer, told the batches and freed of what costs time on small models.

Why: TRL brings what a 7B needs (precision, checkpoints, accumulation); at a million weights
its per-step measures would cost more than they tell. Changed here, and only here: the batches
come from a plan made beforehand (so that a resumed run goes on exactly), the loss computes
logits at the answer's tokens only, padding is never attended to and so needs no mask, and
measures are taken now and then. Of several processes each is given its share of every step.

Used as: `make_trainer(model, tokenizer, rows, batches, recipe, folder, recorder)`, by `train.sft`.
"""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mathmill.errors import MissingExtra
from mathmill.io import write_json
from mathmill.ranks.rank import ALONE, Rank
from mathmill.train.items import IGNORED, collate
from mathmill.train.lora import inner
from mathmill.train.recording import MEASURES, MEASURES_FILE, Recorder, saver
from mathmill.train.schedule import factor
from mathmill.train.shares import Rows, share
from mathmill.train.together import Together, from_first

if TYPE_CHECKING:
    from torch import Tensor


def answer_loss(model: Any, inputs: dict[str, Tensor], count: Tensor | int | None = None
                ) -> Tensor:
    """Return the summed loss of the answer's tokens over their `count` (default: as many)."""
    import torch

    total, wanted = answer_losses(inner(model), inputs, "sum")
    share = wanted.sum() if count is None else torch.as_tensor(count, device=total.device)
    return total / share.clamp(min=1)


def answer_losses(model: Any, inputs: dict[str, Tensor], reduction: str = "none"
                  ) -> tuple[Tensor, Tensor]:
    """Return the loss of every answer token, row after row, and where (rows, tokens - 1) they are.

    The output head is applied at those tokens only. Models that scale or cap their logits
    take the ordinary way through their whole forward.
    """
    from torch.nn import functional

    labels = inputs["labels"][:, 1:]
    wanted = labels != IGNORED
    rest = {k: v for k, v in inputs.items() if k != "labels"}
    config = model.config.get_text_config()
    plain = not any(getattr(config, name, None) for name in
                    ("final_logit_softcapping", "logits_scaling", "logit_scale"))
    core = getattr(model, model.base_model_prefix, None)
    if plain and core is not None and core is not model:
        hidden = core(**rest, use_cache=False).last_hidden_state[:, :-1]
        logits = model.get_output_embeddings()(hidden[wanted])
    else:
        logits = model.forward(**rest, use_cache=False).logits[:, :-1][wanted]
    return functional.cross_entropy(logits.float(), labels[wanted], reduction=reduction), wanted


def make_trainer(model: Any, tokenizer: Any, rows: Sequence[Any],
                 batches: Sequence[array[int]], recipe: Any, folder: Path, recorder: Recorder,
                 rank: Rank = ALONE) -> Any:
    """Return a trainer that will go through `batches` of `rows` once (all passes are in them).

    `rows`: as in `train.items`, asked for as they are needed. `recipe` is a `train.sft.Recipe`;
    `recipe.accumulate` batches make one optimiser step. `rank`: which of several processes this
    is, in the group that `split.join_group` made; it gets its share of each step's rows.
    """
    try:
        from datasets import Dataset
    except ImportError as error:
        raise MissingExtra("datasets", "train") from error
    from mathmill.train.optimizer import build_optimizer

    optimizer = build_optimizer(model, recipe.optimizer, recipe.learning_rate,
                                recipe.adam_rate, recipe.weight_decay)
    steps = -(-len(batches) // recipe.accumulate)
    batches, rounds = share(batches, recipe.accumulate, rank.number, rank.of)
    arguments = _arguments(model, recipe, steps, folder) | {
        "gradient_accumulation_steps": rounds} | (_among(rank, model) if rank.of > 1 else {})
    from transformers import PrinterCallback

    trainer = _trainer_class()(
        rows=Rows(rows) if rank.of > 1 else rows, batches=batches, recorder=recorder, rank=rank,
        model=model, args=_config(arguments),
        # TRL looks at the form of the first row alone; a copy of all would fill the memory.
        train_dataset=Dataset.from_list([rows[0]]), processing_class=tokenizer,
        callbacks=[saver(recorder, arguments["logging_steps"],
                         from_first if rank.of > 1 else bool)],
        data_collator=lambda chosen: collate(chosen, tokenizer.pad_token_id),
        optimizers=(optimizer, _scheduler(optimizer, recipe, steps)))
    trainer.remove_callback(PrinterCallback)  # progress is shown in one place only
    return trainer


def _scheduler(optimizer: Any, recipe: Any, steps: int) -> Any:
    from torch.optim.lr_scheduler import LambdaLR

    # The first step already moves: its place is 1 of `steps`, not 0.
    return LambdaLR(optimizer, lambda step: factor(recipe.schedule, (step + 0.5) / steps,
                                                   recipe.warmup, recipe.decay, recipe.floor))


def _arguments(model: Any, recipe: Any, steps: int, folder: Path) -> dict[str, Any]:
    """Return TRL's settings: what the recipe says, and the costly habits turned off."""
    device = model.device.type
    large = sum(p.numel() for p in model.parameters()) > 1e9
    return {
        "output_dir": str(folder), "seed": recipe.seed, "data_seed": recipe.seed,
        "max_steps": steps, "max_grad_norm": 1.0,
        "per_device_train_batch_size": recipe.batch_size // recipe.accumulate,
        "max_length": None, "dataset_kwargs": {"skip_prepare_dataset": True},
        "logging_steps": max(1, steps // MEASURES), "logging_first_step": False,
        "logging_nan_inf_filter": False, "save_strategy": "no", "save_total_limit": 2,
        "report_to": "none", "disable_tqdm": True, "dataloader_pin_memory": device != "cpu",
        "bf16": device == "cuda", "use_cpu": device == "cpu", "gradient_checkpointing": large,
        "average_tokens_across_devices": False, "push_to_hub": False}


def _among(rank: Rank, model: Any) -> dict[str, Any]:
    """Return what differs where several processes train together."""
    return {"average_tokens_across_devices": True, "ddp_find_unused_parameters": False,
            "ddp_backend": "gloo" if model.device.type == "cpu" else "nccl",
            # A split model's layers compute in bfloat16 by themselves.
            **({"bf16": False} if rank.split else {})}


def _config(arguments: dict[str, Any]) -> Any:
    try:
        from trl.trainer.sft_config import SFTConfig
    except ImportError as error:
        raise MissingExtra("trl", "train") from error
    with warnings.catch_warnings():  # of names that change between versions of transformers
        warnings.simplefilter("ignore", FutureWarning)
        made = SFTConfig(**arguments)
    # A process that sees several GPUs would lay DataParallel over them, which TRL refuses: one that
    # trains alone takes the first.
    made._n_gpu = min(made.n_gpu, 1)
    return made


def _through_forward(model: Any) -> None:
    """Have `model(answer_loss=True, **batch)` return the answer's summed loss.

    Why: what trains in several processes, or in bfloat16, is laid around the model's forward;
    a loss that calls the model's parts by themselves would go past it.
    """
    plain = model.forward

    @wraps(plain)
    def forward(*args: Any, answer_loss: bool = False, **inputs: Any) -> Any:
        if not answer_loss:
            return plain(*args, **inputs)
        return answer_losses(inner(model), inputs, "sum")[0]

    model.forward = forward


def _trainer_class() -> Any:
    """Return the subclass of SFTTrainer (made here, for TRL takes seconds to import)."""
    import torch
    from torch.utils.data import DataLoader
    from trl.trainer.sft_trainer import SFTTrainer

    class PlannedTrainer(Together, SFTTrainer):  # type: ignore[misc]
        def __init__(self, *, rows: Sequence[Any], batches: Sequence[array[int]],
                     recorder: Recorder, rank: Rank, **rest: Any) -> None:
            self.rows, self.batches, self.recorder, self.rank = rows, batches, recorder, rank
            super().__init__(**rest)
            if rank.of > 1:
                self.begin_together()
            self.model_accepts_loss_kwargs = True  # the count of a whole step is always wanted
            _through_forward(self.model)

        def get_train_dataloader(self) -> DataLoader[Any]:
            return DataLoader(cast(Any, self.rows), batch_sampler=_Planned(self.batches),
                              collate_fn=self.data_collator)

        def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False,
                         num_items_in_batch: Any = None) -> Any:
            assert not return_outputs, "this trainer only trains; evaluation is a step of its own"
            keep = {k: v for k, v in inputs.items() if k in ("input_ids", "labels",
                                                             "position_ids")}
            total = model(**keep, answer_loss=True)
            count = torch.as_tensor(num_items_in_batch, device=total.device).clamp(min=1)
            if self.rank.of == 1:
                return total / count
            self.check_count(count)
            # Of several processes' gradients the mean is taken, and here their sum is wanted.
            return total * self.rank.of / count

        def floating_point_ops(self, inputs: dict[str, Any]) -> int:
            return 0  # counted nowhere, and costs a walk over all modules a step

        def create_model_card(self, *_: Any, **__: Any) -> None:
            """Write no card into checkpoints: the step writes its own."""

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            with self.recorder.saving():
                super()._save_checkpoint(model, trial)  # type: ignore[no-untyped-call]
            self.accelerator.wait_for_everyone()
            place = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
            if self.writes:
                write_json(place / MEASURES_FILE, [asdict(m) for m in self.recorder.measures])

    return PlannedTrainer


class _Planned:
    """A batch sampler that goes through a plan."""

    def __init__(self, batches: Sequence[array[int]]) -> None:
        """Take the batches in order."""
        self.batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        """Yield them."""
        return map(list, self.batches)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.batches)
