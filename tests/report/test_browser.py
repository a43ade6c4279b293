"""The page in a real browser: drawn, by day and by night, and never wider than the screen."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest

from mathmill.report.run import run as report
from mathmill.workbench import Workbench

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars")
# Chromium makes no window narrower than 500 px by size alone, so the phone is a frame.
MEASURE = """<!doctype html><title>waiting</title>
<iframe id=f src="page.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>document.getElementById("f").onload = function () {{
 var d = this.contentDocument, root = d.documentElement;
 var out = [].filter.call(d.body.querySelectorAll("*"), function (e) {{
  return !e.closest(".scroll, pre, svg, math, details:not([open])")
   && e.getBoundingClientRect().right > {width} + 1; }}).length;
 document.title = "asked " + root.clientWidth + " got " + root.scrollWidth + " out " + out
  + " paper " + getComputedStyle(d.body).backgroundColor; }};</script>"""


def chromium(folder: Path, *arguments: str) -> str:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no chromium on the PATH to open the report in")
    profile = folder / "profile"
    done = subprocess.run([path, *FLAGS, f"--user-data-dir={profile}", *arguments], timeout=120,
                          capture_output=True, text=True, check=True)
    shutil.rmtree(profile, ignore_errors=True)
    return done.stdout


def pattern(path: Path) -> set[bytes]:
    """Return the distinct byte triples of a PNG's rows: a handful where the picture is blank."""
    data, at, packed = path.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        packed += body if kind == b"IDAT" else b""
        at += size + 12
    rows = zlib.decompress(packed)
    return {rows[i:i + 3] for i in range(1, len(rows) - 3, 97)}


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390, 360])
@pytest.mark.parametrize("night", [False, True])
def test_the_page_is_drawn_and_fits_the_screen(
        whole: tuple[Workbench, dict[str, Any]], width: int, night: bool) -> None:
    bench, literals = whole
    report(bench, **literals)
    (bench.out / "page.html").write_bytes((bench.out / "report.html").read_bytes())
    (bench.out / "measure.html").write_text(MEASURE.format(width=width))
    scheme = f"--blink-settings=preferredColorScheme={0 if night else 1}"
    window = f"--window-size={width},1600"
    told = chromium(bench.out, scheme, window, "--allow-file-access-from-files", "--dump-dom",
                    "--virtual-time-budget=5000", f"file://{bench.out}/measure.html")
    found = re.search(r"asked (\d+) got (\d+) out (\d+) paper rgb\((\d+),", told)
    assert found, told[:400]
    asked, got, out, paper = map(int, found.groups())
    assert asked == width
    assert got <= asked, "the page is wider than the screen"
    assert out == 0, "something reaches over the edge"
    assert (paper < 64) == night, "the page does not follow dark mode"
    shot = bench.out / "shot.png"
    chromium(bench.out, scheme, window, f"--screenshot={shot}", f"file://{bench.out}/report.html")
    assert len(pattern(shot)) > 50, "the screenshot is blank"


@pytest.mark.slow
def test_nothing_hostile_runs_in_the_browser(whole: tuple[Workbench, dict[str, Any]]) -> None:
    bench, literals = whole
    report(bench, **literals)
    told = chromium(bench.out, "--dump-dom", "--virtual-time-budget=3000",
                    f"file://{bench.out}/report.html")
    assert "<title>Skywork-Math in miniature</title>" in told  # the sample would rename the page
    assert "&lt;script&gt;" in told
