"""Real rows valued for GSM8K: other rows of it among SVAMP, SciBench, synthetic maths, nonsense.

Why: planted rows come from templates. Here a tiny Llama with Mistral's tokenizer reads real ones:
targets are rows of GSM8K's training set, candidates are other rows of it, three other sources, and
rows of GSM8K whose words were shuffled, which hold the right words and no sense. The base reads a
little of the real sources (other rows), the reference's LoRA factors learn from some candidates,
and the steps are the project's own: `train.sft` and `train.influence`. Printed is the area under
the ROC curve of GSM8K's rows above each other kind, and above all of them.

    python benchmarks/influence_real.py [--data ../shared/data] [--each 50] [--seeds 2]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from influence_planted import fit

from mathmill.io import read_rows, write_rows
from mathmill.texts import Valued
from mathmill.types import Sample, sample_id
from mathmill.workbench import Workbench

LIKE, NONSENSE = "gsm8k", "nonsense"
SHAPE = {"hidden_size": 64, "layers": 2, "heads": 4, "intermediate_size": 160}
LONGEST = 448  # tokens of a row, the template's among them: half of SciBench's rows are longer
WAYS = ("gradient", "perplexity", "random")
Row = tuple[str, str]


def main() -> None:
    """Value real rows by each way, and print how well GSM8K's are told from the others."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--each", type=int, default=50)
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--base-steps", type=int, default=1200)
    options.add_argument("--steps", type=int, default=60)
    given = options.parse_args()
    sources = real(given.data)
    tokenizer = mistral(given.data / "tokenizers" / "mistral-7b-v0.1.tokenizer.model",
                        [row for rows in sources.values() for row in rows])
    for seed in range(given.seeds):
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            found = values(Path(place), given, short(sources, tokenizer), tokenizer, seed)
        print(f"seed {seed}, {time.perf_counter() - begun:.0f} s")
        for way, kinds in found.items():
            show(way, kinds)


def show(way: str, kinds: Mapping[str, Sequence[float]]) -> None:
    """Print the mean value of each kind and the areas."""
    others = {kind: each for kind, each in kinds.items() if kind != LIKE}
    rest = [value for each in others.values() for value in each]
    areas = ", ".join(f"{kind} {area(kinds[LIKE], each):.3f}" for kind, each in others.items())
    means = sorted(((sum(each) / len(each), kind) for kind, each in kinds.items()), reverse=True)
    print(f"  {way:16} AUC {LIKE} above all others {area(kinds[LIKE], rest):.3f}; above {areas}\n"
          f"  {'':16} means {', '.join(f'{kind} {mean:.3f}' for mean, kind in means)}", flush=True)


def area(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the chance that one of `above` is greater than one of `below`; equals count half."""
    import numpy as np

    high, low = np.array(above)[:, None], np.array(below)[None]
    return float((high > low).mean() + (high == low).mean() / 2)


def values(folder: Path, given: argparse.Namespace, sources: Mapping[str, Sequence[Row]],
           tokenizer: Any, seed: int) -> dict[str, dict[str, list[float]]]:
    """Return, for each way, the values of the candidates of each kind."""
    import torch

    from mathmill.decoding.models import quiet
    from mathmill.train import sft
    from mathmill.train.data import render
    from mathmill.train.influence import run as influence
    from mathmill.train.influence.features import Features
    from mathmill.train.influence.values import valued
    from mathmill.train.items import items
    from mathmill.train.llama import new_model

    draw = random.Random(seed)
    kinds, targets, read = parted(sources, given.each, draw)
    torch.manual_seed(seed)
    model = new_model(SHAPE, tokenizer, 1024)
    quiet()
    loss = fit(model, items(render(samples(read), tokenizer, LONGEST)[0]), given.base_steps, 3e-3,
               8)
    model.save_pretrained(str(folder / "base"))
    tokenizer.save_pretrained(str(folder / "base"))
    made = {name: samples(rows) for name, rows in kinds.items()}
    everything = [row for each in made.values() for row in each]
    for name, rows in (("rows", everything), ("known", samples(targets)),
                       ("some", draw.sample(everything, len(everything) // 2))):
        write_rows(folder / name / "rows.parquet", rows, Sample)
    bench = Workbench(folder / "reference", {"rows": folder / "some"})
    sft.run(bench, base=str(folder / "base"), stages=[{"steps": given.steps}], lora={"rank": 8},
            seed=seed, batch_size=8, learning_rate=1e-3, max_length=LONGEST)
    bench.close()
    print(f"{len(tokenizer):,} pieces, base read {len(read):,} rows to a loss of {loss:.2f}, "
          f"reference's {bench.facts['loss']:.2f}; "
          + ", ".join(f"{len(rows)} {name}" for name, rows in kinds.items()), flush=True)
    found = {}
    for way in WAYS:
        bench = Workbench(folder / way, {"rows": folder / "rows", "target.known": folder / "known",
                                         "reference": folder / "reference"})
        base = str(folder / "base") if way == "gradient" else ""
        influence.run(bench, targets=["known"], by=way, max_length=LONGEST, seed=seed, base=base,
                      dimension=2048)
        bench.close()
        found[way] = by_kind(read_rows(folder / way / "rows.parquet", Valued), made)
        print(f"{way}: {bench.facts.get('rows_a_second', '?')} rows a second", flush=True)
    kept = folder / "gradient" / "features"
    again = valued([Features(kept / "rows" / "adapter")],
                   {"known": [Features(kept / "target.known" / "adapter")]}, mean="cosines")
    return {**found, "mean of cosines": by_kind(again, made)}


def by_kind(found: Iterable[Valued], made: Mapping[str, Sequence[Sample]]
            ) -> dict[str, list[float]]:
    """Return the values of the rows of each kind."""
    worth = {row.id: row.value for row in found}
    return {name: [worth[row.id] for row in rows if row.id in worth]
            for name, rows in made.items()}


def parted(sources: Mapping[str, Sequence[Row]], each: int, draw: random.Random
           ) -> tuple[dict[str, list[Row]], list[Row], list[Row]]:
    """Return candidates by their kind, target rows, and what the base reads: no row twice.

    Of small sources half are candidates. The base reads rows of the small ones several times.
    """
    mixed = {name: draw.sample(rows, len(rows)) for name, rows in sources.items()}
    kinds = {name: rows[:min(each, len(rows) // 2)] for name, rows in mixed.items()}
    gsm = mixed[LIKE]
    kinds[NONSENSE] = [(shuffled(asked, draw), shuffled(solved, draw))
                       for asked, solved in gsm[-each:]]
    mixed[LIKE] = gsm[3 * each:-each]
    read = [row for name, rows in mixed.items() for row in (
        rows if name == LIKE else rows[len(kinds[name]):] * max(1, 300 // len(rows)))]
    return kinds, gsm[each:3 * each], read


def samples(rows: Sequence[Row]) -> list[Sample]:
    """Return rows as training takes them."""
    return [Sample(id=sample_id(asked, solved), question=asked, solution=solved, answer=None,
                   expected=None, seed="s", parent="s", method="real") for asked, solved in rows]


def shuffled(text: str, draw: random.Random) -> str:
    """Return the words of a text in another order."""
    words = text.split()
    return " ".join(draw.sample(words, len(words)))


def real(data: Path) -> dict[str, list[Row]]:
    """Return question and solution of real rows by their source, all ended in one way.

    Of the synthetic rows those that were made from GSM8K are left out: they are neither like it
    nor unlike it for certain.
    """
    gsm = []
    for line in (data / "gsm8k/train.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        worked, answer = re.sub(r"<<.*?>>", "", row["answer"]).split("####")
        gsm.append((row["question"], ended(worked, answer)))
    svamp = [(f"{row['Body'].rstrip('. ')}. {row['Question']}",
              ended(f"{row['Equation']} = {row['Answer']:g}", f"{row['Answer']:g}"))
             for row in json.loads((data / "svamp/SVAMP.json").read_text(encoding="utf-8"))]
    science = [(row["problem_text"], ended(row["solution"], row["answer_number"]))
               for path in sorted((data / "scibench").glob("*_sol.json"))
               for row in json.loads(path.read_text(encoding="utf-8"))]
    made = [json.loads(line) for line in (
        data / "synth_openmathinstruct2/openmathinstruct2_sample100.jsonl").read_text(
            encoding="utf-8").splitlines()]
    synthetic = [(row["problem"], ended(row["generated_solution"], row["expected_answer"]))
                 for row in made if "gsm8k" not in row["problem_source"]]
    return {LIKE: gsm, "svamp": svamp, "scibench": science, "synthetic math": synthetic}


def short(sources: Mapping[str, Sequence[Row]], tokenizer: Any) -> dict[str, list[Row]]:
    """Return the rows that the model is to read whole: 33 tokens are the template's."""
    return {name: [row for row, ids in zip(rows, tokenizer([" ".join(row) for row in rows])[
        "input_ids"], strict=True) if len(ids) < LONGEST - 40] for name, rows in sources.items()}


def ended(solution: str, answer: str) -> str:
    """Return a solution with the sentence that all of them end in."""
    return f"{solution.strip()}\nThe answer is {answer.strip()}"


def mistral(path: Path, rows: Sequence[Row]) -> Any:
    """Return the tokenizer in a SentencePiece file (byte-pair encoding) as transformers has it.

    Of its 32,000 pieces those remain that the rows are made of, in order or shuffled, and what
    these are put together from, so that the rows fall into the very same pieces: the others would
    only make the model slow.
    """
    from mathmill.decoding.forms import prompt

    pieces = [dict(fields(piece)) for number, piece in fields(path.read_bytes()) if number == 1]
    names = [piece[1].decode() for piece in pieces]
    whole, places = wrapped(byte_pairs(names)), {name: at for at, name in enumerate(names)}
    texts = [text for asked, solved in rows for text in (prompt(whole, asked), solved)]
    texts += [" ".join(text.split()) for text in texts]
    coded = [each.tokens for each in whole.backend_tokenizer.encode_batch(texts)]
    kept = {*names[:259]}  # unknown, begin, end, and all bytes
    for piece in {piece for row in coded for piece in row} - kept:
        kept |= within(piece, places)
    made = wrapped(byte_pairs([name for name in names if name in kept]))
    again = made.backend_tokenizer.encode_batch(texts)
    assert [each.tokens for each in again] == coded, "a text falls into other pieces"
    return made


def wrapped(core: Any) -> Any:
    """Return an encoding as transformers wants it, with the template of the prompts."""
    from transformers import PreTrainedTokenizerFast

    from mathmill.decoding.template import chat_template

    made = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", bos_token="<s>",
                                   eos_token="</s>", pad_token="<unk>")
    made.chat_template = chat_template()
    return made


def byte_pairs(names: Sequence[str]) -> Any:
    """Return the byte-pair encoding of pieces that stand in the order of their merges."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    places = {name: place for place, name in enumerate(names)}
    pairs = sorted((place, places[name[:cut]], places[name[cut:]])
                   for place, name in enumerate(names) for cut in range(1, len(name))
                   if name[:cut] in places and name[cut:] in places)
    core = Tokenizer(models.BPE(places, [(names[left], names[right]) for _, left, right in pairs],
                                unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    core.normalizer = normalizers.Sequence([normalizers.Prepend("▁"),
                                            normalizers.Replace(" ", "▁")])
    core.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                      decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return core


def within(piece: str, places: Mapping[str, int]) -> set[str]:
    """Return a piece with all that it is put together from, letter by letter."""
    parts, met = list(piece), {*piece, piece}
    while len(parts) > 1:
        ranks = [places.get(left + right, len(places))
                 for left, right in pairwise(parts)]
        at = ranks.index(min(ranks))
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
        met.add(parts[at])
    return met


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field of a protocol-buffer message."""
    place = 0
    while place < len(message):
        key, place = number(message, place)
        if key & 7 == 2:
            size, place = number(message, place)
            value: Any = message[place:place + size]
            place += size
        elif key & 7 == 0:
            value, place = number(message, place)
        else:
            size = 4 if key & 7 == 5 else 8
            (value,) = struct.unpack("<f" if size == 4 else "<d", message[place:place + size])
            place += size
        yield key >> 3, value


def number(message: bytes, place: int) -> tuple[int, int]:
    """Return a number of variable length and the place behind it."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


if __name__ == "__main__":
    main()
