"""The report of a run: one self-contained HTML file, with its figures beside it as JSON.

Why: whoever asks what a run showed should need one file, on any device, off line, years
later. So the page holds its own style and drawings, loads nothing and runs no script.

Used by `run`: `page(material)` returns the text of the file.
"""

from __future__ import annotations

from collections.abc import Callable

from mathmill import __version__
from mathmill.report.markup import Html, join, para, tag
from mathmill.report.material import Material
from mathmill.report.sections import (
    accounts,
    accuracy,
    census,
    choosing,
    configuration,
    contamination,
    curve,
    flow,
    paired,
    programs,
    samples,
    spending,
    study,
    summary,
    texts,
    training,
)
from mathmill.report.style import STYLE

SECTIONS: dict[str, tuple[str, Callable[[Material], Html]]] = {
    "scaling": ("Scaling", curve.render),
    "studies": ("Studies", study.render),
    "census": ("Census", census.render),
    "choosing": ("Choosing", choosing.render),
    "accuracy": ("Accuracy", accuracy.render),
    "compared": ("Compared", paired.render),
    "programs": ("Programs", programs.render),
    "flow": ("In and out", flow.render),
    "contamination": ("Contamination", contamination.render),
    "texts": ("Texts", texts.render),
    "samples": ("Samples", samples.render),
    "training": ("Training", training.render),
    "account": ("What a model cost", accounts.render),
    "cost": ("Cost", spending.render),
    "configuration": ("Configuration", configuration.render),
}
"Sections by anchor, in the order of the page: the results first, then what they rest on."

# Nothing may be fetched and nothing run, even if something slipped through the escaping.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


def page(material: Material) -> str:
    """Return the whole page."""
    made = {anchor: render(material) for anchor, (_, render) in SECTIONS.items()}
    links = [tag("a", SECTIONS[anchor][0], href=f"#{anchor}")
             for anchor, body in made.items() if body]
    head = tag(
        "head", Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width,initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Html('<meta name="color-scheme" content="light dark">'),
        tag("title", material.title), tag("style", Html(STYLE)))
    body = tag(
        "body",
        tag("header", para(material.title, class_="kicker"), tag("h1", summary.headline(material)),
            summary.render(material), tag("nav", *links, aria_label="Sections")),
        tag("main", *made.values()),
        tag("footer", f"Made by mathmill {__version__} from the manifests of the run."))
    return f'<!doctype html>\n<html lang="en">{join([head, body])}</html>\n'
