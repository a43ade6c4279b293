from __future__ import annotations

import huggingface_hub.constants
import pytest
import torch

from mathmill.decoding import models
from mathmill.decoding.models import open_model, shrink
from mathmill.decoding.template import chat_template
from mathmill.errors import InputError, UsageError


def test_a_model_opens_from_its_folder_and_from_its_steps_folder(base_folder, tmp_path):
    (tmp_path / "model").symlink_to(base_folder)
    for place in (base_folder, tmp_path):
        model, tokenizer = open_model(str(place), device="cpu")
        assert not model.training
        assert model.dtype == torch.float32
        assert tokenizer.chat_template == chat_template()


def test_a_shrunk_model_takes_half_the_room_and_opens_in_float32(base_folder, tmp_path):
    (base_folder / "CARD.md").write_text("card", encoding="utf-8")
    shrink(base_folder, tmp_path / "small")
    sizes = [(place / "model.safetensors").stat().st_size
             for place in (base_folder, tmp_path / "small")]
    assert sizes[1] < 0.6 * sizes[0]
    whole, _ = open_model(str(base_folder), device="cpu")
    small, _ = open_model(str(tmp_path / "small"), device="cpu")
    assert small.dtype == torch.float32
    for a, b in zip(whole.parameters(), small.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-3)


def test_a_tokenizer_without_a_template_is_given_the_alpaca_form(base_folder, tmp_path):
    import shutil

    shutil.copytree(base_folder, tmp_path / "bare")
    (tmp_path / "bare" / "chat_template.jinja").unlink()
    assert open_model(str(tmp_path / "bare"), device="cpu")[1].chat_template == chat_template()


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/model", "a/b/c"])
def test_a_folder_that_is_not_there_is_one_line_with_a_cure(name):
    with pytest.raises(InputError, match="there is no such model; give `embedded:`") as caught:
        open_model(name)
    assert "\n" not in str(caught.value)


def test_an_empty_name_is_refused():
    with pytest.raises(UsageError, match="no model is named"):
        open_model(" ")


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(InputError, match=r"no config\.json"):
        open_model(str(tmp_path))


def test_a_damaged_model_is_one_line(base_folder, tmp_path):
    import shutil

    shutil.copytree(base_folder, tmp_path / "bad")
    (tmp_path / "bad" / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be opened as a model") as caught:
        open_model(str(tmp_path / "bad"), device="cpu")
    assert "\n" not in str(caught.value)


def test_a_hub_name_without_a_network_is_one_line_with_a_cure(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="cannot be opened") as caught:
        open_model("nobody/no-such-model-here")
    assert "\n" not in str(caught.value)
    assert "Hugging Face id while online" in str(caught.value)


def test_without_shipped_weights_the_embedded_base_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr(models, "_embedded", lambda: tmp_path)
    with pytest.raises(InputError, match="mathmill run base_model"):
        open_model("embedded:")
