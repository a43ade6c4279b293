"""A verifier: a causal language model with one more head, which says whether a program is right.

Why: training makes it, choosing asks it, and neither may import the other. The head is shared
over positions (TinyGSM); what counts at the end is what it says at the last token. It is kept
as an ordinary model folder with the head and a few words beside the weights.

Used as: `scores(folder, candidates)` -> a probability a candidate; `open_verifier(folder)`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mathmill.candidates import Candidate
from mathmill.decoding.bundles import Bundle, Packed, pack, split
from mathmill.decoding.forms import prompt
from mathmill.decoding.generation import window
from mathmill.decoding.models import open_model, quiet
from mathmill.decoding.prompts import encode
from mathmill.errors import InputError
from mathmill.io import read_json, write_json

FOLDER, SETTINGS, HEAD = "verifier", "verifier.json", "verifier_head.safetensors"
CONFIDENCE = 0.3  # weight of the log-probability at the start of a training
ROOM = 768  # tokens a bundle: attention costs their square, most of it for nothing
TOGETHER = 12_288  # tokens a batch


def states(lm: Any, packed: Packed) -> Any:
    """Return a model's last hidden states (batch, longest, width) over a packed batch."""
    core = getattr(lm, lm.base_model_prefix)
    mask = None if packed.mask is None else packed.mask.to(lm.dtype)
    return core(input_ids=packed.ids, position_ids=packed.positions, attention_mask=mask,
                use_cache=False).last_hidden_state


def shares_prompts(lm: Any) -> bool:
    """Tell whether an answer behind others reads as it does alone: tried, not assumed.

    Not so where attention is of a kind that takes no mask of four dimensions, or where a
    state runs through the whole sequence.
    """
    import torch

    was, _ = lm.training, lm.eval()
    try:
        with torch.no_grad():
            alone = states(lm, pack([Bundle([3, 4], [[5, 6]])], 0, lm.device))[0, -2:].float()
            beside = states(lm, pack([Bundle([3, 4], [[7, 3], [5, 6]])], 0, lm.device))
        gap = (beside[0, -2:].float() - alone).abs().max() / alone.abs().max()
        return bool(gap < 0.02)  # bfloat16 rounds at 0.004
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError):
        return False
    finally:
        lm.train(was)


@functools.cache
def _kind() -> type:
    """Return the class (made here, not at the top: torch takes a second to import)."""
    from torch import float32, nn, tensor

    class Verifier(nn.Module):
        """`lm`, a causal language model, and `head`, a line over its last hidden states.

        With `confidence` the head is also told the running log-probability of the program so
        far, as `lm` sees it, times one learned weight. That is ours, not the paper's: a head
        alone must first learn to compare each token with what was to be expected.
        """

        def __init__(self, lm: Any, confidence: bool) -> None:
            super().__init__()
            self.lm, self.shares = lm, shares_prompts(lm)
            self.confidence = nn.Parameter(tensor(CONFIDENCE)) if confidence else None
            width = lm.get_output_embeddings().weight.shape[-1]
            self.head = nn.Linear(width, 1, dtype=float32, device=lm.device)
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

        def says(self, packed: Packed, hidden: Any) -> Any:
            """Return the logits of being right at every position (batch, longest), in float32.

            `hidden`: what `states` gave for the batch. Only answers' positions mean something.
            """
            said = self.head(hidden.float())[..., 0]
            if self.confidence is None:
                return said
            return said + self.confidence * _running(self.lm, packed, hidden)

        def get_input_embeddings(self) -> Any:
            """Return the embeddings: the optimiser treats both ends of a model apart."""
            return self.lm.get_input_embeddings()

        def get_output_embeddings(self) -> Any:
            """Return the head that is trained."""
            return self.head

    return Verifier


def new_verifier(lm: Any, confidence: bool = False) -> Any:
    """Return a verifier over a causal language model; its head says 0 to everything yet."""
    return _kind()(lm, confidence).to(lm.device)


def token_places(packed: Packed) -> tuple[list[int], list[int], list[int]]:
    """Return rows, places before, and places of all answers' tokens, in the order of the spans."""
    rows, before, places = list[int](), list[int](), list[int]()
    for span in packed.spans:
        rows += [span.row] * (span.stop - span.start)
        before += [span.prompt - 1, *range(span.start, span.stop - 1)]
        places += range(span.start, span.stop)
    return rows, before, places


def _running(lm: Any, packed: Packed, hidden: Any) -> Any:
    """Return the log-probability of each answer up to each of its tokens (batch, longest)."""
    import torch

    rows, before, places = token_places(packed)
    logits = lm.get_output_embeddings()(hidden[rows, before]).float()
    told = packed.ids[rows, places]
    chances = logits.log_softmax(-1).gather(-1, told[:, None])[:, 0]
    lengths = [span.stop - span.start for span in packed.spans]
    summed = torch.cat([part.cumsum(0) for part in chances.split(lengths)])
    index = (torch.tensor(rows, device=summed.device), torch.tensor(places, device=summed.device))
    return torch.zeros(packed.ids.shape, device=summed.device).index_put(index, summed)


def save_verifier(verifier: Any, tokenizer: Any, folder: Path, form: str) -> None:
    """Save weights, head, tokenizer and the form of what it reads into a folder."""
    from safetensors.torch import save_file

    quiet()
    verifier.lm.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    save_file({name: value.detach().cpu().contiguous()
               for name, value in _own(verifier).items()}, str(folder / HEAD))
    write_json(folder / SETTINGS, {"form": form, "confidence": verifier.confidence is not None})


def _own(verifier: Any) -> dict[str, Any]:
    """Return what a verifier has beside its language model, by name."""
    return {name: value for name, value in verifier.state_dict().items()
            if not name.startswith("lm.")}


def open_verifier(place: Path) -> tuple[Any, Any, str]:
    """Return (verifier, tokenizer, form) from a step's folder, or the `verifier/` within.

    Raises InputError where no verifier is there, and what `open_model` raises.
    """
    folder = place / FOLDER if (place / FOLDER).is_dir() else place
    if not (folder / HEAD).exists() or not (folder / SETTINGS).exists():
        raise InputError(folder, "no verifier is there",
                         "give the folder that `train_verifier` wrote")
    lm, tokenizer = open_model(str(folder))
    from safetensors.torch import load_file

    told = read_json(folder / SETTINGS)
    verifier = new_verifier(lm, bool(told["confidence"]))
    verifier.load_state_dict(load_file(str(folder / HEAD), device=str(lm.device)), strict=False)
    return verifier.eval(), tokenizer, str(told["form"])


def scores(folder: Path, candidates: Sequence[Candidate], together: int = TOGETHER) -> list[float]:
    """Return, in order, the probability of being right that a saved verifier gives each candidate.

    Candidates with the same question are read behind one prompt, `together` tokens at a time;
    a score depends on its company only by rounding. Raises what `open_verifier` raises.
    """
    verifier, tokenizer, form = open_verifier(folder)
    return score(verifier, tokenizer, form, candidates, together)


def score(verifier: Any, tokenizer: Any, form: str, candidates: Sequence[Candidate],
          together: int = TOGETHER) -> list[float]:
    """Return the same from an open verifier (in its evaluation mode)."""
    import torch

    asked: dict[str, list[int]] = {}
    for place, row in enumerate(candidates):
        asked.setdefault(row.question, []).append(place)
    room = window(verifier.lm)  # of prompt and answer together
    bodies = encode_bodies(tokenizer, candidates, room)
    prompts = encode_prompts(tokenizer, list(asked), form)
    bundles: list[tuple[Bundle, list[int]]] = []
    for read, places in zip(prompts, asked.values(), strict=True):
        left = list(places)
        fit = [bodies[p][:max(1, room - len(read))] for p in places]
        for bundle in split(read, fit, ROOM if verifier.shares else 0):
            bundles.append((bundle, left[:len(bundle.bodies)]))
            del left[:len(bundle.bodies)]
    bundles.sort(key=lambda each: each[0].length)
    values = [0.0] * len(candidates)
    with torch.inference_mode():
        for batch in _batches(bundles, together):
            packed = pack([bundle for bundle, _ in batch], tokenizer.pad_token_id,
                          verifier.head.weight.device)
            said = last_of(verifier.says(packed, states(verifier.lm, packed)), packed)
            for place, value in zip((p for _, places in batch for p in places),
                                    said.sigmoid().tolist(), strict=True):
                values[place] = value
    return values


def last_of(said: Any, packed: Packed) -> Any:
    """Return what was said (batch, longest) at the last token of each answer."""
    return said[[span.row for span in packed.spans], [span.stop - 1 for span in packed.spans]]


def _batches(bundles: Sequence[tuple[Bundle, list[int]]], together: int
             ) -> Iterator[list[tuple[Bundle, list[int]]]]:
    """Yield bundles (in order of length) in batches of at most `together` tokens, padding too."""
    batch: list[tuple[Bundle, list[int]]] = []
    for each in bundles:
        if batch and (len(batch) + 1) * each[0].length > together:
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch


def encode_prompts(tokenizer: Any, questions: Sequence[str], form: str) -> list[list[int]]:
    """Return the token ids that a student of this form reads before it answers."""
    return encode(tokenizer, [prompt(tokenizer, question, form) for question in questions])


def encode_bodies(tokenizer: Any, candidates: Sequence[Candidate], most: int) -> list[list[int]]:
    """Return each response as the tokens that a student writes, at most `most`.

    The end token follows where the response ended by itself; one without it was cut off.
    """
    texts = [row.response for row in candidates]
    read = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"] if texts else []
    return [[*ids, *([tokenizer.eos_token_id] if row.finish == "stop" or not ids else [])][:most]
            for ids, row in zip(read, candidates, strict=True)]
