"""What a file of features says of itself, and when two of them may be compared.

Why: features are bare numbers. Two files speak of the same directions only where the reference
model, the weights that were differentiated and the projection are the same; a cosine between
others is noise that looks like a value.

Used as: `header.space == other.space`; `Header.of(json.loads(text))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

RADEMACHER = "rademacher-philox-1"
GRADIENT, ADAM = "gradient", "adam"
LESS: dict[str, Any] = {"direction": ADAM, "checkpoints": "all", "over": "max", "mean": "cosines"}
"The settings that make the value by gradients LESS's; the reference needs `keep_optimizer`."


@dataclass(frozen=True, slots=True)
class Space:
    """The directions that the numbers of a feature stand for."""

    projection: str
    "Which signs: `rademacher-philox-1` (`projection.signs`); a change of them is a new name."
    dimension: int
    "Numbers a feature has."
    seed: int
    "Seed of the signs."
    block: int
    "Weights that one block of signs covers; decides the signs, as the seed does."
    parameters: tuple[tuple[str, tuple[int, ...]], ...]
    "Name and shape of every weight that was differentiated, in the order they are laid out."
    model: str
    "Id of the reference model: content id over its weights, adapter and checkpoint."


@dataclass(frozen=True, slots=True)
class Header:
    """All that decides the numbers in a file of features, but for the rows themselves."""

    space: Space
    "What must be equal before two files are compared."
    direction: str = GRADIENT
    "`gradient`, or `adam`: the step that Adam would take (LESS, for candidates only)."
    loss: str = "mean"
    "A row's loss: `mean` over its answer's tokens, or their `sum`. A cosine sees no difference."
    form: str = "prose"
    "How rows are written for the model (`decoding.forms`)."
    max_length: int = 2048
    "Most tokens of a row."
    precision: str = "float32"
    "What the gradients were computed in; features are always kept in float16 with their norm."
    learn_output: bool = True
    "Whether what code printed counts as part of a tool row's answer."

    def as_json(self) -> dict[str, Any]:
        """Return the header as JSON literals."""
        return asdict(self)

    @classmethod
    def of(cls, literals: Mapping[str, Any]) -> Header:
        """Return the header that `as_json` wrote; raises KeyError or TypeError for another."""
        space = dict(literals["space"])
        space["parameters"] = tuple((name, tuple(shape)) for name, shape in space["parameters"])
        return cls(**{**literals, "space": Space(**space)})

    def differences(self, other: Header) -> list[str]:
        """Say in words what of the spaces differs; empty where the two may be compared."""
        mine, theirs = asdict(self.space), asdict(other.space)
        return [f"{name}: {_short(mine[name])} and {_short(theirs[name])}"
                for name in mine if mine[name] != theirs[name]]


def _short(value: Any) -> str:
    return f"{len(value)} weights" if isinstance(value, tuple) else str(value)
