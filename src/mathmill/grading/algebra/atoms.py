r"""Read what stands between the signs of a formula: names, functions, LaTeX constructs.

Why: the grammar of signs (`parse`) is short; that of what they join has most of LaTeX's
habits in it: `\frac12`, `\sin^2 x`, `\log_2 8`, `v_{max}`, `f(x)`. Each takes one pass.

Used as: the base of the parser's reader; `parse` is what others call.
"""

from __future__ import annotations

from fractions import Fraction

from mathmill.grading.algebra.matrices import read_matrix
from mathmill.grading.algebra.tokens import GREEK, Token
from mathmill.grading.algebra.tree import Node, NotAFormula, name, number

DIGITS = 400  # digits of a number within a formula
UNKNOWN_BASE = name("\\log")  # `log` without a base: 10 at school, e in analysis
_OPAQUE = frozenset("fghFGHP")  # f(x) is a function's value, not f times x
_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_SAME = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
_END: Token = ("end", "")


class Atoms:
    """One pass over the tokens of one formula: its single factors."""

    def __init__(self, found: list[Token]) -> None:
        """Start at the first token."""
        self.found = found
        self.place = 0
        self.depth = 0
        self.bars = 0
        self.kind, self.text = found[0]

    def step(self) -> None:
        """Go on to the next token."""
        self.place += 1
        self.kind, self.text = (
            self.found[self.place] if self.place < len(self.found) else _END)

    def ahead(self) -> Token:
        """Return the token after this one."""
        place = self.place + 1
        return self.found[place] if place < len(self.found) else _END

    def take(self, kind: str) -> None:
        """Step over a token that must be of a kind."""
        if self.kind != kind:
            raise NotAFormula
        self.step()

    def sum(self) -> Node:
        """Read terms with signs between them."""
        raise NotImplementedError

    def product(self) -> Node:
        """Read factors."""
        raise NotImplementedError

    def power(self) -> Node:
        """Read a factor with its exponent."""
        raise NotImplementedError

    def exponent(self) -> Node:
        """Read what follows `^`."""
        raise NotImplementedError

    def group(self) -> Node:
        """Read a bracketed sum."""
        raise NotImplementedError

    def factor(self) -> Node:
        """Read one factor."""
        raise NotImplementedError

    def letter(self, text: str) -> Node:
        """Read a name with its index and primes, a constant, or the value of a function."""
        self.step()
        if self.kind == "_":
            return name(text + "_" + self.index())
        if text in _OPAQUE and self.kind == "(":
            return Node("f", (self.group(),), name="?" + text)
        if text in ("e", "i"):
            return Node("c", (), name=text)
        if text == "π":
            return Node("c", (), name="pi")
        return name(text)

    def index(self) -> str:
        """Read an index after `_` as text."""
        self.step()
        if self.kind in ("n", "a", "\\"):
            text = self.text
            self.step()
            return text
        self.take("{")
        parts: list[str] = []
        depth = 1
        while True:
            depth += (self.kind == "{") - (self.kind == "}")
            if self.kind == "end":
                raise NotAFormula
            if depth == 0:
                self.step()
                return "".join(parts)
            parts.append(self.text)
            self.step()

    def function(self, text: str) -> Node:
        r"""Read a function: its exponent (`\sin^2 x`), its base, its argument."""
        self.step()
        text = _SAME.get(text, text)
        base: Node | None = None
        exponent: Node | None = None
        for _ in range(2):
            if self.kind == "_" and text == "log" and base is None:
                self.step()
                base = self.group() if self.kind == "{" else self.factor()
            elif self.kind == "^" and exponent is None:
                self.step()
                exponent = self.exponent()
        if self.kind == " ":  # \log_2 8
            self.step()
        inverse = exponent is not None and exponent.kind == "-" and exponent.args == (number(1),)
        if inverse and text in _INVERSE:
            text, exponent = _INVERSE[text], None
        if text == "sqrt":
            node = self.root()
        elif text in ("log", "lg", "ln"):
            argument = self.argument()
            base = number(10) if text == "lg" else base
            if text == "ln" or (base is not None and base == Node("c", (), name="e")):
                node = Node("f", (argument,), name="ln")
            else:
                node = Node("f", (base or UNKNOWN_BASE, argument), name="log")
        else:
            several = text in ("max", "min", "gcd", "lcm")
            node = Node("f", self.arguments() if several else (self.argument(),), name=text)
        return node if exponent is None else Node("^", (node, exponent))

    def argument(self) -> Node:
        r"""Read what a function works on: a bracket, or the factors up to the next sign."""
        if self.kind in ("(", "[", "{"):
            return self.group()
        if self.kind == "-":
            self.step()
            return Node("-", (self.power(),))
        result = self.power()
        while self.kind == "a" or (self.kind == "\\" and (
                self.text in GREEK or self.text == "pi")):
            result = times(result, self.power())
        if self.kind == "/" and self.ahead()[0] == "n" and result.kind != "^":
            self.step()  # sin pi/4
            result = Node("/", (result, self.power()))
        return result

    def arguments(self) -> tuple[Node, ...]:
        """Read what a function of several works on: `(a, b)`."""
        closing = {"(": ")", "{": "}"}.get(self.kind)
        if closing is None:
            raise NotAFormula
        self.step()
        found = [self.sum()]
        while self.kind == ",":
            self.step()
            found.append(self.sum())
        self.take(closing)
        return tuple(found)

    def root(self) -> Node:
        r"""Read `[n]{...}`, `{...}`, `(...)` or one factor after `\sqrt`."""
        degree = number(2)
        if self.kind == "[":
            degree = self.group()
        inside = self.group() if self.kind in ("{", "(") else self.factor()
        return Node("f", (degree, inside), name="root")

    def command(self, text: str) -> Node:
        """Read a LaTeX command that is no function."""
        if text in ("frac", "binom"):
            self.step()
            over = self.part()
            under = self.part()
            return Node("/" if text == "frac" else "C", (over, under))
        if text in ("lfloor", "lceil"):
            self.step()
            inside = self.sum()
            if (self.kind, self.text) != ("\\", "rfloor" if text == "lfloor" else "rceil"):
                raise NotAFormula
            self.step()
            return Node("f", (inside,), name="floor" if text == "lfloor" else "ceil")
        if text in ("sum", "prod"):
            return self.repeated(text)
        if text == "begin":
            return read_matrix(self)
        if text in ("pi", "cbrt"):
            self.step()
            if text == "pi":
                return Node("c", (), name="pi")
            return Node("f", (number(3), self.argument()), name="root")
        if text in GREEK:
            return self.letter("\\" + text)
        raise NotAFormula

    def repeated(self, text: str) -> Node:
        r"""Read `\sum_{k=1}^{n} body`."""
        self.step()
        self.take("_")
        self.take("{")
        run = name(self.text)
        self.take("a")
        self.take("=")
        low = self.sum()
        self.take("}")
        self.take("^")
        high = self.group() if self.kind == "{" else self.factor()
        return Node("f", (run, low, high, self.product()), name=text)

    def part(self) -> Node:
        r"""Read one part of a fraction: a group, a letter, a command or one digit (`\frac12`)."""
        if self.kind == "{":
            return self.group()
        if self.kind == "n":
            text = self.text
            if text.isdigit() and len(text) > 1:  # \frac12: the first digit only
                self.found[self.place] = ("n", text[1:])
                self.kind, self.text = "n", text[1:]
                return number(int(text[0]))
            self.step()
            return written(text)
        return self.factor()


def times(left: Node, right: Node) -> Node:
    """Return a product, flat."""
    if left.kind == "*":
        return Node("*", (*left.args, right))
    return Node("*", (left, right))


def written(text: str) -> Node:
    """Return the node of written digits."""
    if len(text) > DIGITS:
        raise NotAFormula
    return number(Fraction(text))
