"""Models opened and saved: the embedded base, a folder, or a name on the Hugging Face hub.

Why: training, evaluation and teachers open models in one way, and what goes wrong there (no
network, a mistyped folder, code that wants to run) is answered in one line in one place.

Used as: `model, tokenizer = open_model("embedded:")`; evaluation is handed this function.
"""

from __future__ import annotations

import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from mathmill.decoding.template import chat_template
from mathmill.errors import InputError, MissingExtra, UsageError

EMBEDDED = "embedded:"
CURE = "give `embedded:`, a folder with a saved model, or a Hugging Face id while online"
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def open_model(name_or_path: str, device: str | None = None, dtype: str | None = None
               ) -> tuple[Any, Any]:
    """Return (model, tokenizer), the weights in float32 on a CPU and as stored elsewhere.

    `name_or_path`: `embedded:`; a step's folder or the `model/` within; or a hub id, with
    `@REVISION` where that matters. Only safetensors are read and no code that comes with a
    model is run. A tokenizer without a chat template is given the Alpaca form.
    `device`: default a GPU where there is one; `dtype`: a PyTorch type's name, to overrule.
    Raises UsageError (unknown name), InputError (a folder that holds no model), MissingExtra.
    """
    tokenizer = open_tokenizer(name_or_path)
    import torch
    from transformers import AutoModelForCausalLM

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    kind = dtype or ("float32" if device == "cpu" or place(name_or_path) == _embedded() else "auto")
    model = _loaded(AutoModelForCausalLM, name_or_path, dtype=kind, use_safetensors=True)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model.to(device).eval(), tokenizer


def open_tokenizer(name_or_path: str) -> Any:
    """Return a model's tokenizer alone, as `open_model` does; raises what that raises."""
    try:
        import torch  # noqa: F401 - without it transformers has no models, and says so late
        from transformers import AutoTokenizer
    except ImportError as error:
        raise MissingExtra("torch and transformers", "train") from error
    quiet()
    tokenizer = _loaded(AutoTokenizer, name_or_path)
    if not tokenizer.chat_template:
        tokenizer.chat_template = chat_template()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _loaded(kind: Any, name_or_path: str, **options: Any) -> Any:
    """Return what `kind.from_pretrained` opens at a name; what goes wrong is one line."""
    from safetensors import SafetensorError

    where = place(name_or_path)
    source = str(where)
    options |= {"trust_remote_code": False, "local_files_only": isinstance(where, Path)}
    if not isinstance(where, Path):
        source, _, revision = where.partition("@")
        options |= {"revision": revision} if revision else {}
    try:
        return kind.from_pretrained(source, **options)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        cause = " ".join(str(error).split())[:160]
        if isinstance(where, Path):
            raise InputError(where, f"cannot be opened as a model ({cause})", CURE) from error
        raise UsageError(f"model {name_or_path!r} cannot be opened ({cause}); {CURE}") from error


def shrink(source: Path, target: Path) -> None:
    """Save the model in `source` to `target` in float16, with its tokenizer and card."""
    import torch

    model, tokenizer = open_model(str(source), device="cpu")
    model.to(torch.float16).save_pretrained(str(target))
    tokenizer.save_pretrained(str(target))
    shutil.copy(source / "CARD.md", target / "CARD.md")
    for file in target.iterdir():
        file.chmod(0o644)  # what is shipped must be readable by whoever installs it


def quiet() -> None:
    """Turn off the progress bars of transformers: progress is shown in one place only."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def _embedded() -> Path:
    return Path(str(files("mathmill.train") / "embedded"))


def place(name: str) -> Path | str:
    """Return the folder that a name means, or the name itself where it can be a hub id.

    Raises UsageError for no name, InputError for a folder that is not there or holds no model.
    """
    if name == EMBEDDED:
        if not (_embedded() / "model.safetensors").exists():
            raise InputError(_embedded(), "this installation has no embedded model",
                             "install mathmill from its wheel, or run `mathmill run base_model`")
        return _embedded()
    if not name.strip():
        raise UsageError(f"no model is named; {CURE}")
    for folder in (Path(name) / "model", Path(name)):
        if (folder / "config.json").is_file():
            return folder
    if Path(name).exists():
        raise InputError(name, "holds no model (there is no config.json)", CURE)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(name, "there is no such model", CURE)
    if not _HUB_NAME.fullmatch(name.partition("@")[0]):
        raise UsageError(f"{name!r} is no model; {CURE}")
    return name
