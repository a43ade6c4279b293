"""Write answers to many prompts at once: greedy or sampled, the same at any batch size.

Why: `model.generate` copies the whole key-value cache at every token (four fifths of the
time of a 1M model on a CPU) and goes on computing rows that have ended. This loop writes
into a cache with room to grow, drops finished rows, chooses the very tokens that
`model.generate` would choose greedily, and samples each row from a stream of its own.

Used as: `generate(model, tokenizer, encode(tokenizer, prompts), max_new_tokens=512)` or
`decode(model, tokenizer, [Ask(ids, 512, temperature=0.7, seed=1, stops=("###",))])`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mathmill.decoding.cache import new_cache
from mathmill.decoding.sampling import sample
from mathmill.errors import MissingExtra

# An untuned model answers and then writes the next task itself; the papers stop there too.
STOPS = ("### Instruction", "\nQuestion:")
LOOK = 8  # tokens between two looks for a stop: a look costs as much as a token of a 1M model


@dataclass(frozen=True, slots=True)
class Generated:
    """One greedy response of the model."""

    text: str
    "What it wrote, without special tokens."
    tokens: int
    "Tokens it wrote, the end token not counted."
    finish: str
    "`stop` where it ended by itself, `length` where it was cut off."


@dataclass(frozen=True, slots=True)
class Ask:
    """One row to be written on."""

    ids: Sequence[int]
    "Token ids of the prompt."
    max_tokens: int
    "Most tokens to write; fewer where the model's window is full."
    temperature: float = 0.0
    "0 is greedy."
    top_p: float = 1.0
    "Share of probability that sampling draws from."
    seed: int = 0
    "Of the row's own stream of draws; 64 bits count."
    stops: tuple[str, ...] = ()
    "Texts before which the answer ends."
    logprobs: bool = False
    "Whether the answer's log-probability is wanted."


@dataclass(frozen=True, slots=True)
class Written:
    """What was written on a row."""

    text: str
    "Without special tokens, up to the first stop."
    tokens: int
    "Tokens written, the end token not counted; up to the one that completed a stop."
    finish: str
    "`stop` where it ended by itself or at a stop, `length` where it was cut off."
    logprob: float | None
    "Sum over these tokens at temperature 1, None where it was not asked for."


def generate(model: Any, tokenizer: Any, prompts: Sequence[list[int]],
             max_new_tokens: int) -> list[Generated]:
    """Answer one batch of encoded prompts greedily; results in the order given.

    A response is cut where the model began a task of its own. What a row says does not depend
    on its company but for rounding: see `decode`, also for what it raises.
    """
    outs = []
    for row in _rows(model, tokenizer, [Ask(ids, max_new_tokens) for ids in prompts], None):
        text = tokenizer.decode(row.ids, skip_special_tokens=True)
        finish = "stop" if row.ended else "length"
        for stop in STOPS:
            head, found, _ = text.partition(stop)
            if found:
                text, finish = head, "stop"
        outs.append(Generated(text.strip(), len(row.ids), finish))
    return outs


def decode(model: Any, tokenizer: Any, asks: Sequence[Ask],
           wanted: Callable[[int], bool] | None = None) -> list[Written]:
    """Write on one batch of rows; results in the order given.

    Prompts are padded on the left and stand at positions from 0, so that what a row says does
    not depend on its company but for rounding: in float32 two logits would have to agree to
    about 1e-6 for that to show in a greedy token; a sampled one shows it about once in a
    million. A prompt that fills the model's window gives an empty answer cut by length.
    `wanted(row)` is asked between tokens; a row that is not wanted any more is left as it is.
    Raises MissingExtra without torch.
    """
    return [row.written(tokenizer) for row in _rows(model, tokenizer, asks, wanted)]


def window(model: Any) -> int:
    """Return the positions that a model has, prompt and answer together."""
    return getattr(model.config, "max_position_embeddings", None) or 1 << 30


@dataclass(slots=True, eq=False)
class _Row:
    """A row at work."""

    ask: Ask
    limit: int
    "Tokens it may have."
    number: int
    "Place among the asks."
    ids: list[int] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    "Log-probability of each token, where wanted."
    ended: bool = False
    alive: bool = True

    def take(self, token: int, ends: frozenset[int], tokenizer: Any) -> None:
        """Add a token; see whether the row goes on."""
        if token in ends:
            self.alive, self.ended = False, True
        else:
            self.ids.append(token)
            self.alive = len(self.ids) < self.limit
        if self.ask.stops and (not self.alive or len(self.ids) % LOOK == 0):
            self._look(tokenizer)

    def _look(self, tokenizer: Any) -> None:
        """End the row at the first token that completes a stop, if one did since the last look."""
        longest = max(map(len, self.ask.stops))
        # A sign is four bytes at most, and a token one byte at least; eight more for the seam.
        tail = self.ids[-(LOOK + 4 * longest + 8):]
        if _cut(tokenizer.decode(tail, skip_special_tokens=True), self.ask.stops) is None:
            return
        for length in range(max(1, len(self.ids) - LOOK), len(self.ids) + 1):
            text = tokenizer.decode(self.ids[:length], skip_special_tokens=True)
            if _cut(text, self.ask.stops) is not None:
                del self.ids[length:], self.chances[length:]
                self.alive, self.ended = False, True
                return

    def written(self, tokenizer: Any) -> Written:
        """Return what stands there."""
        text = tokenizer.decode(self.ids, skip_special_tokens=True)
        cut = _cut(text, self.ask.stops)
        return Written(text if cut is None else text[:cut], len(self.ids),
                       "stop" if self.ended or cut is not None else "length",
                       sum(self.chances[:len(self.ids)]) if self.ask.logprobs else None)


def _cut(text: str, stops: Sequence[str]) -> int | None:
    """Return where the first stop begins; None where there is none."""
    found = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    return min(found) if found else None


def _rows(model: Any, tokenizer: Any, asks: Sequence[Ask],
          wanted: Callable[[int], bool] | None) -> list[_Row]:
    """Return a finished row an ask."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("torch and transformers", "train") from error
    room = window(model)
    rows = [_Row(ask, min(ask.max_tokens, room - len(ask.ids)), number)
            for number, ask in enumerate(asks)]
    live = [row for row in rows if row.limit > 0 and row.ask.ids]
    if live:
        with torch.inference_mode():
            _write(model, tokenizer, live, wanted)
    return rows


def _write(model: Any, tokenizer: Any, rows: list[_Row],
           wanted: Callable[[int], bool] | None) -> None:
    """Write tokens until every row has ended, met its limit, or is not wanted any more."""
    import torch

    device, ends = next(model.parameters()).device, _end_tokens(model, tokenizer)
    # A prompt that several rows share is read once, and what was read is copied.
    prompts: dict[tuple[int, ...], int] = {}
    owner = [prompts.setdefault(tuple(row.ask.ids), len(prompts)) for row in rows]
    width = max(map(len, prompts))
    step = torch.tensor([[0] * (width - len(ids)) + list(ids) for ids in prompts], device=device)
    seen = torch.ones(len(prompts), width + max(row.limit for row in rows), dtype=torch.long,
                      device=device)
    for place, ids in enumerate(prompts):
        seen[place, :width - len(ids)] = 0
    positions = (seen[:, :width].cumsum(-1) - 1).clamp(min=0)
    cache, length = new_cache(model), width
    while True:
        logits = model(input_ids=step, attention_mask=seen[:, :length], position_ids=positions,
                       past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]
        if len(logits) < len(rows):
            index = torch.tensor(owner, device=device)
            cache.batch_select_indices(index)
            logits, positions, seen = logits[index], positions[index], seen[index]
        chosen = _choose(logits, rows)
        _note_chances(logits, chosen, rows)
        for row, token in zip(rows, chosen.tolist(), strict=True):
            if row.alive:
                row.take(token, ends, tokenizer)
                if wanted is not None and not wanted(row.number):
                    row.alive = False
        left = sum(row.alive for row in rows)
        if left == 0:
            return
        step, positions, length = chosen[:, None], positions[:, -1:] + 1, length + 1
        if left <= 0.75 * len(rows):  # below that, copying the cache costs more than it saves
            index = torch.tensor([place for place, row in enumerate(rows) if row.alive],
                                 device=device)
            cache.batch_select_indices(index)
            step, positions, seen = step[index], positions[index], seen[index]
            rows = [row for row in rows if row.alive]


def _choose(logits: Any, rows: Sequence[_Row]) -> Any:
    """Return a token a row: the likeliest, or one drawn from the row's own stream."""
    import torch

    drawn = [place for place, row in enumerate(rows) if row.alive and row.ask.temperature > 0]
    if not drawn:
        return logits.argmax(-1)
    asks = [rows[place].ask for place in drawn]
    index = None if len(drawn) == len(rows) else torch.tensor(drawn, device=logits.device)
    tokens = sample(logits if index is None else logits[index],
                    [ask.temperature for ask in asks], [ask.top_p for ask in asks],
                    [ask.seed for ask in asks], [len(rows[place].ids) for place in drawn])
    if index is None:
        return tokens
    return logits.argmax(-1).index_copy(0, index, tokens)


def _note_chances(logits: Any, chosen: Any, rows: Sequence[_Row]) -> None:
    """Write down the log-probability of the tokens just chosen, in float64, where wanted."""
    import torch

    places = [place for place, row in enumerate(rows) if row.alive and row.ask.logprobs]
    if not places:
        return
    index = torch.tensor(places, device=logits.device)
    known = logits[index].double().log_softmax(-1)
    for place, chance in zip(places, known.gather(-1, chosen[index][:, None])[:, 0].tolist(),
                             strict=True):
        rows[place].chances.append(chance)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the ids that end a response, as the model's and the tokenizer's settings say."""
    config = getattr(model, "generation_config", None)
    ends: set[int] = set()
    for value in (tokenizer.eos_token_id, getattr(config, "eos_token_id", None)):
        if value is not None:
            ends.update([value] if isinstance(value, int) else value)
    return frozenset(ends)
