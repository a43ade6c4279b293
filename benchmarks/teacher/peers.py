"""The peers of the teacher benchmark, each in a virtual environment of its own.

Why apart: bespokelabs-curator pulls in 119 packages and distilabel 51, at versions of their
own. distilabel needs two packages that it does not name; curator wants a vocabulary from the
net at its start, of which litellm carries a copy, and sends one request to ask for limits.

Used as: `installed(install=True)` by `teacher_engine.py`; as a program inside the peer's
environment: `python peers.py curator URL COUNT AT_ONCE FOLDER`.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

PACKAGES = {"curator": ["bespokelabs-curator==0.1.31"],
            "distilabel": ["distilabel[openai]==1.5.3", "requests", "beautifulsoup4"]}
VENVS = Path(os.environ.get("MATHMILL_PEERS", "/tmp"))


def installed(install: bool = False) -> dict[str, Path]:
    """Return each peer's python, found at $MATHMILL_PEERS/venv-PEER; `install` makes it there."""
    found = {}
    for peer, packages in PACKAGES.items():
        folder = VENVS / f"venv-{peer}"
        python = folder / "bin" / "python"
        if install and not python.exists():
            for command in ([sys.executable, "-m", "venv", str(folder)],
                            [str(python), "-m", "pip", "install", "-q", *packages]):
                if subprocess.run(command).returncode:
                    print(f"{peer}: does not install ({' '.join(command[:5])} ...)")
                    break
        if python.exists():
            found[peer] = python
    return found


def curator(url: str, count: int, at_once: int, folder: str) -> int:
    """Ask with bespokelabs-curator; return the rows that came."""
    os.environ.update(OPENAI_API_KEY="none", OPENAI_BASE_URL=url, CURATOR_CACHE_DIR=folder,
                      TELEMETRY_ENABLED="false", CURATOR_DISABLE_RICH_DISPLAY="1",
                      LITELLM_LOCAL_MODEL_COST_MAP="True")
    litellm = importlib.util.find_spec("litellm")
    assert litellm is not None
    assert litellm.origin is not None
    os.environ["TIKTOKEN_CACHE_DIR"] = str(
        Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers")
    from bespokelabs import curator as peer

    class Asker(peer.LLM):
        def prompt(self, row):
            return row["question"]

        def parse(self, row, response):
            return {"question": row["question"], "answer": response}

    asker = Asker(model_name="gpt-4o-mini", backend="openai", backend_params={
        "base_url": url, "max_requests_per_minute": 10**6, "max_tokens_per_minute": 10**9,
        "max_concurrent_requests": at_once, "request_timeout": 60})
    rows = asker([{"question": f"Question {number}"} for number in range(count)])
    return len(getattr(rows, "dataset", rows))


def distilabel(url: str, count: int, at_once: int, folder: str) -> int:
    """Ask with distilabel; return the rows that came."""
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    with Pipeline(name="peer", cache_dir=folder) as pipeline:
        load = LoadDataFromDicts(batch_size=at_once, data=[
            {"instruction": f"Question {number}"} for number in range(count)])
        task = TextGeneration(llm=OpenAILLM(model="tiny", base_url=url, api_key="none"),
                              input_batch_size=at_once)
        load >> task
    return len(pipeline.run(use_cache=False)["default"]["train"])


if __name__ == "__main__":
    run = {"curator": curator, "distilabel": distilabel}[sys.argv[1]]
    print(run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
