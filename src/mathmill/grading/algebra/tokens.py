r"""Cut a tidied formula into tokens: numbers, letters, commands, signs.

Why: the parser looks at one token at a time and never goes back, so the time to read a
formula is linear in its length, which is capped here. What is no formula (a word, a sum
sign, dots) is refused at once.

Used as: `tokens(r"2\sqrt{3}x")` -> `[("n", "2"), ("\\", "sqrt"), ...]`; None for no formula.
"""

from __future__ import annotations

import re

LONGEST = 400  # tokens of a formula; the longest gold answer of MATH has under 150

Token = tuple[str, str]
"A kind (`n` number, `a` letter, `\\` command, `f` function, else the sign) and its text."

_TOKEN = re.compile(
    r"(?P<space>[ \t]+)"
    r"|\\(?P<matrix>(?:begin|end)[ ]?\{[A-Za-z]+\*?\})"
    # 1.5e3 and 1e-05 are numbers; 9e+6 in a formula is nine times Euler's number and six
    r"|(?P<number>[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]{1,3}(?![0-9]))?|[eE][+-]0[0-9])?|\.[0-9]+)"
    r"|\\(?P<command>[A-Za-z]+)"
    r"|(?P<letters>[A-Za-z]+)"
    r"|(?P<greek>[α-ωΑ-Ω])"
    r"|(?P<power>\*\*)"
    r"|(?P<sign>[-+*/^_(){}\[\]|!%°&±∓⏎,=])")

FUNCTIONS = frozenset(
    re.findall(r"\S+",
    "sin cos tan cot sec csc arcsin arccos arctan asin acos atan sinh cosh tanh exp ln "
    "log lg sqrt abs floor ceil max min gcd lcm"))
# Longest first, so that `arcsin` is not read as a, r, c and `sin`.
_NAMES = sorted(FUNCTIONS | {"pi", "cbrt", "theta", "alpha", "beta", "gamma", "lambda", "phi"},
                key=len, reverse=True)
GREEK = frozenset(
    re.findall(r"\S+",
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda "
    "mu nu xi rho varrho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta "
    "Lambda Xi Sigma Phi Psi Omega ell hbar"))
_BRACKETS = {"lvert": "|", "rvert": "|", "vert": "|", "mid": "|", "lbrack": "[", "rbrack": "]",
             "pm": "±", "mp": "∓", "div": "/", "cdot": "*", "times": "*", "ast": "*"}
_LETTERS_IN_A_ROW = 4  # `xyz` is a product, `apples` is a word


def tokens(text: str) -> list[Token] | None:
    """Return the tokens of a formula, or None for what is no formula or too long a one."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or len(found) > LONGEST:
            return None
        place = match.end()
        kind, piece = match.lastgroup, match.group()
        if kind == "space":
            if found and found[-1] != (" ", " "):
                found.append((" ", " "))
        elif kind == "number":
            found.append(("n", piece))
        elif kind == "matrix":
            verb, _, name = match["matrix"].rstrip("*}").partition("{")
            found += [("\\", verb.strip()), ("{", "{"), ("a", name.rstrip("*")), ("}", "}")]
        elif kind == "command":
            name = match["command"]
            if name in _BRACKETS:
                found.append((_BRACKETS[name], name))
            else:
                found.append(("f" if name in FUNCTIONS else "\\", name))
        elif kind == "letters":
            if not _letters(piece, found):
                return None
        elif kind == "greek":
            found.append(("a", piece))
        elif kind == "power":
            found.append(("^", "^"))
        else:
            found.append((piece, piece))
    return _without_loose_spaces(found)


def _letters(run: str, found: list[Token]) -> bool:
    """Add the tokens of a run of letters; false where it is a word."""
    if found and found[-1][0] == "_":  # a name's index: `v_max`
        found.append(("a", run))
        return True
    while run:
        name = next((name for name in _NAMES if run.startswith(name)), "")
        if name:
            found.append(("f" if name in FUNCTIONS else "\\", name))
            run = run[len(name):]
            continue
        plain = next((at for at in range(1, len(run))
                      if any(run.startswith(known, at) for known in _NAMES)), len(run))
        if plain > _LETTERS_IN_A_ROW:
            return False
        found.extend(("a", letter) for letter in run[:plain])
        run = run[plain:]
    return True


def _without_loose_spaces(found: list[Token]) -> list[Token]:
    """Drop every space but that between two numbers, where it tells `3 1/2` from `31/2`."""
    kept: list[Token] = []
    for place, token in enumerate(found):
        if token[0] == " " and not (
                0 < place < len(found) - 1 and found[place - 1][0] in "n}"
                and found[place + 1][0] == "n"):
            continue
        kept.append(token)
    return kept
