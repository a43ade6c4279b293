"""Tests of the encoders of a core-set: resumable files of points, and a real model."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mathmill.errors import InputError, MissingExtra
from mathmill.stages import sentence_model
from mathmill.stages.select import encoders
from mathmill.stages.select.embed import GRID, embed
from mathmill.stages.select.encoders import points_of
from mathmill.stages.sentence_model import SentenceModel, batches

TEXTS = [f"How many apples do {n} trees with {n % 7} baskets hold in {'all ' * (n % 5)}?"
         for n in range(50)]
ORDER = np.random.default_rng(0).permutation(50)


class Lengths:
    """A model whose points are of two numbers, that fails at a text where it is told to."""

    fails_at, seen = "", []

    def __init__(self, name):
        pass

    def encode(self, texts, batch_size, show_progress_bar):
        if self.fails_at and any(self.fails_at in text for text in texts):
            raise RuntimeError("killed")
        self.seen.extend(texts)
        return [[float(len(text)), 20.0] for text in texts]


@pytest.fixture
def lengths(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers",
                        SimpleNamespace(SentenceTransformer=Lengths))
    monkeypatch.setattr(encoders, "BLOCK", 8)
    monkeypatch.setattr(Lengths, "seen", [])
    return Lengths


def chunks():
    return iter([TEXTS[:3], [], TEXTS[3:40], TEXTS[40:]])


def points(folder, key="k", name="sentence-transformers:any"):
    return points_of(name, chunks, 50, folder, ORDER, key)


def test_a_killed_encoding_goes_on_where_it_was_and_a_finished_one_is_taken(
        tmp_path, lengths, monkeypatch):
    monkeypatch.setattr(lengths, "fails_at", "do 30 trees")
    with pytest.raises(RuntimeError):
        points(tmp_path)
    assert sorted(lengths.seen) == sorted(TEXTS[:24])  # three blocks were written
    monkeypatch.setattr(lengths, "fails_at", "")
    found = points(tmp_path)
    assert sorted(lengths.seen) == sorted(TEXTS)
    assert found.dtype == np.float16
    exact = np.array([[len(text), 20.0] for text in TEXTS])
    exact = np.rint(exact / np.linalg.norm(exact, axis=1, keepdims=True) * GRID)
    assert (found[ORDER] == exact).all()
    points(tmp_path)
    assert len(lengths.seen) == 50
    points(tmp_path, key="other texts")
    assert len(lengths.seen) == 100


def test_hashed_points_of_a_file_are_made_once(tmp_path, monkeypatch):
    found = points(tmp_path, name="hashed")
    assert (found[ORDER] == embed(TEXTS)).all()
    monkeypatch.setattr(encoders, "embed_on_disk", None)
    assert (points(tmp_path, name="hashed") == found).all()


def test_texts_of_like_length_go_together_as_many_as_fit(monkeypatch):
    monkeypatch.setattr(sentence_model, "SIGNS", 100)
    monkeypatch.setattr(sentence_model, "MOST", 5)
    texts = ["a" * n for n in (1, 30, 500, 2, 30, 40, 0, 3, 1, 1)]
    found = batches(texts)
    assert [[len(texts[at]) for at in some] for some in found] == [
        [500], [40, 30], [30, 3, 2], [1, 1, 1, 0]]
    assert sorted(at for some in found for at in some) == list(range(10))
    assert batches([]) == []


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mathmill\[embed\]'"):
        SentenceModel("any")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A BERT of 20,000 weights with mean pooling, saved as sentence-transformers saves one."""
    pytest.importorskip("sentence_transformers", reason="needs 'mathmill[embed]'")
    torch = pytest.importorskip("torch")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = sorted({word for text in TEXTS for word in text.lower().replace("?", " ?").split()})
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
                                                 *words]))
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(words) + 5, hidden_size=32, num_hidden_layers=1,
                         num_attention_heads=2, intermediate_size=64,
                         max_position_embeddings=64)).save_pretrained(folder / "bert")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    SentenceTransformer(modules=[Transformer(str(folder / "bert")), Pooling(32, "mean")],
                        device="cpu").save(str(folder / "model"))
    return folder / "model"


@pytest.mark.slow
def test_a_real_model_places_texts_as_it_does_one_by_one_and_chooses(tiny, tmp_path):
    from sentence_transformers import SentenceTransformer

    found = points(tmp_path, name=f"sentence-transformers:{tiny}")
    assert found.shape == (50, 32)
    model = SentenceTransformer(str(tiny))
    one = np.stack([model.encode(text, show_progress_bar=False) for text in TEXTS])
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    assert np.abs(found[ORDER] / GRID - one).max() < 0.6 / GRID + 1e-5
    with pytest.raises(InputError, match="no model can be opened"):
        SentenceModel(str(tmp_path))
