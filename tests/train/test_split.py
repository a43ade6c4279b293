"""A model in parts: an optimiser's steps are those on the whole, and so is what is saved."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
STEPS, RATE = 3, 0.05


class Layer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = torch.nn.Linear(24, 41), torch.nn.Linear(41, 24, bias=False)

    def forward(self, hidden: Any) -> Any:
        return hidden + self.down(torch.nn.functional.silu(self.up(hidden)))


class Model(torch.nn.Module):
    """Two layers between embeddings and a head that are one matrix; 37 and 41 are odd."""

    _no_split_modules = ("Layer",)

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.layers = torch.nn.Embedding(37, 24), torch.nn.Sequential(Layer(), Layer())
        self.head = torch.nn.Linear(24, 37, bias=False)
        self.head.weight = self.embed.weight

    def get_input_embeddings(self) -> Any:
        return self.embed

    def get_output_embeddings(self) -> Any:
        return self.head

    def forward(self, ids: Any) -> Any:
        return torch.nn.functional.cross_entropy(
            self.head(self.layers(self.embed(ids)))[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


def small() -> Any:
    torch.manual_seed(3)
    return Model()


def learn(model: Any, optimizer: Any, first: int, last: int) -> None:
    """Take steps on batches that every process sees alike: the mean gradient is each one's."""
    for step in range(first, last):
        ids = torch.randint(0, 37, (4, 9), generator=torch.Generator().manual_seed(step))
        model(ids).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


def part(rank: int, folder: str) -> None:
    """Train split over two processes, saved and opened again on the way, against the whole."""
    from torch import distributed

    from mathmill.train import optimizer as room
    from mathmill.train.split import all_processes, split, spread, whole, whole_state

    room._cpu_has_bfloat16 = lambda: False  # type: ignore[assignment] # its rounding would hide all
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank,
                                   world_size=2)
    kept = {}
    for name in room.OPTIMIZERS:
        plain = small()
        learn(plain, room.build_optimizer(plain, name, RATE, weight_decay=0.01), 0, STEPS)
        model = split(small(), all_processes())
        optimizer = room.build_optimizer(model, name, RATE, weight_decay=0.01)
        learn(model, optimizer, 0, 1)
        state = whole(optimizer.state_dict(), keep=True)
        again = room.build_optimizer(model, name, RATE, weight_decay=0.01)
        again.load_state_dict(spread(state, again))
        learn(model, again, 1, STEPS)
        made = whole_state(model, keep=rank == 0)
        if rank == 0:
            wanted = plain.state_dict()
            assert made.keys() == wanted.keys()
            assert made["head.weight"] is made["embed.weight"], "still one"
            kept[name] = max(float((made[key] - wanted[key]).abs().max()) for key in wanted)
            moved = max(float((wanted[key] - value).abs().max())
                        for key, value in small().state_dict().items())
            assert moved > RATE
        else:
            assert made == {}
    if rank == 0:
        (Path(folder) / "apart").write_text(json.dumps(kept), encoding="utf-8")
    distributed.barrier()
    distributed.destroy_process_group()


@pytest.mark.slow
def test_steps_on_a_model_in_two_parts_are_those_on_the_whole(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=part, args=(rank, str(tmp_path))) for rank in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(120)
        assert rank.exitcode == 0
    apart = json.loads((tmp_path / "apart").read_text("utf-8"))
    assert set(apart) == {"adamw", "muon+adamw"}
    assert max(apart.values()) < 1e-5, apart
