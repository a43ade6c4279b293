r"""Read a tidied formula, LaTeX or plain, into a tree; recursive descent, bounded.

Why: two spellings of one value can only be compared by what they say, and nothing that a
model wrote may reach an evaluator. Depth, tokens and digits are capped; the time is linear.

Used as: `parse(r"\frac{x^2-1}{x+1}")` -> a `Node`, or None for what is no formula.
"""

from __future__ import annotations

from functools import lru_cache

from mathmill.grading.algebra.atoms import Atoms, times, written
from mathmill.grading.algebra.tokens import tokens
from mathmill.grading.algebra.tree import Node, NotAFormula, has, number

DEPTH = 40  # levels of brackets; a call costs a few frames, Python allows 1,000
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@lru_cache(maxsize=4096)
def parse(text: str) -> Node | None:
    """Return the tree of a formula, or None where the text is none. Never raises."""
    if len(text) > 1000:
        return None
    found = tokens(text)
    if not found:
        return None
    try:
        reader = _Reader(found)
        tree = reader.sum()
        if reader.kind != "end":
            return None
        return tree
    except (NotAFormula, RecursionError):
        return None


class _Reader(Atoms):
    """One pass over the tokens of one formula: its signs."""

    def sum(self) -> Node:
        """Read terms with signs between them."""
        self.depth += 1
        if self.depth > DEPTH:
            raise NotAFormula
        terms: list[Node] = []
        while True:
            sign = self.kind if self.kind in ("+", "-", "±", "∓") else ""
            if sign:
                self.step()
                while sign in "+-" and self.kind in ("+", "-"):  # x^2+-3x
                    sign = "-" if (sign == "-") != (self.kind == "-") else "+"
                    self.step()
            elif terms:
                break
            term = self.product()
            if sign == "-":
                term = Node("-", (term,))
            elif sign in ("±", "∓"):
                term = Node("*", (Node("±" if sign == "±" else "∓"), term))
            terms.append(term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Node("+", tuple(terms))

    def product(self) -> Node:
        """Read factors, with or without a sign between them."""
        result = self.power()
        while True:
            if self.kind == "*":
                self.step()
                result = times(result, self.signed())
            elif self.kind == "/":
                self.step()
                result = Node("/", (result, self.signed()))
            elif self.starts_a_factor(result):
                result = times(result, self.power())
            else:
                return result

    def signed(self) -> Node:
        """Read a factor that may have a sign of its own: `2*-3`."""
        if self.kind == "-":
            self.step()
            return Node("-", (self.power(),))
        if self.kind == "+":
            self.step()
        return self.power()

    def starts_a_factor(self, before: Node) -> bool:
        """Tell whether the next token can follow a factor without a sign between."""
        if self.kind in ("a", "f", "("):
            return True
        if self.kind == "\\":
            return self.text not in ("right", "end", "rfloor", "rceil", "rangle")
        if self.kind == "{":
            return True
        if self.kind == "|":
            return self.bars == 0
        if self.kind == " " and before.kind in ("^", "*") and self.ahead()[0] == "n":
            last = before.args[-1] if before.kind == "*" else before
            if last.kind == "^":  # 2^6 3^5; `3 4` alone is no product
                self.step()
                return True
            return False
        last = before.args[-1] if before.kind == "*" else before
        if self.kind == "n":  # (n-2)2^n; but `x2` is a name as often as a product
            return last.kind in "+^/f!C" or (last.kind == "v" and self.ahead()[0] == "^")
        return self.kind == "[" and before.kind != "n"

    def power(self) -> Node:
        """Read a factor with its exponent, factorial, percent or degree sign."""
        base = self.after(self.factor())
        if self.kind != "^":
            return base
        self.step()
        if self.kind == "{" and self.ahead()[0] == "}":  # an empty exponent says nothing
            self.step()
            self.step()
            return base
        result = Node("^", (base, self.exponent()))
        if self.kind == "^":
            raise NotAFormula
        return self.after(result)

    def exponent(self) -> Node:
        """Read what follows `^`: a group, or one factor with its sign."""
        if self.kind == "-":
            self.step()
            return Node("-", (self.after(self.factor()),))
        if self.kind == "{":
            return self.group()
        exponent = self.after(self.factor())
        if self.kind == "^":  # 2^3^2 is 2^(3^2)
            self.step()
            self.depth += 1
            if self.depth > DEPTH:
                raise NotAFormula
            return Node("^", (exponent, self.exponent()))
        return exponent

    def after(self, node: Node) -> Node:
        """Read the signs that stand behind a factor."""
        while self.kind in ("!", "%", "°"):
            if self.kind == "!":
                node = Node("!", (node,))
            elif self.kind == "%":
                node = Node("/", (node, number(100)))
            else:
                node = Node("*", (node, Node("/", (Node("c", (), name="pi"), number(180)))))
            self.step()
        return node

    def group(self) -> Node:
        """Read a bracketed sum."""
        closing = _CLOSING.get(self.kind)
        if closing is None:
            raise NotAFormula
        self.step()
        bars, self.bars = self.bars, 0
        inside = self.sum()
        self.bars = bars
        self.take(closing)
        return inside

    def factor(self) -> Node:
        """Read a number, a name, a bracket, a function or a LaTeX construct."""
        kind, text = self.kind, self.text
        if kind == "n":
            self.step()
            return self.mixed(written(text))
        if kind == "a":
            return self.letter(text)
        if kind in ("(", "[", "{"):
            return self.group()
        if kind == "|":
            self.step()
            self.bars += 1
            inside = self.sum()
            self.bars -= 1
            self.take("|")
            return Node("f", (inside,), name="abs")
        if kind == "f":
            return self.function(text)
        if kind == "\\":
            return self.command(text)
        raise NotAFormula

    def mixed(self, whole: Node) -> Node:
        r"""Read the fraction of a mixed number (`2\frac{1}{3}`, `2 1/3`) if one follows."""
        plain = whole.value.denominator == 1
        if plain and self.kind == "\\" and self.text == "frac":
            place = self.place
            part = self.command("frac")
            if all(each.kind == "n" and each.value.denominator == 1 for each in part.args) and (
                    part.args[0].value < part.args[1].value):
                return Node("+", (whole, part))
            self.place = place
            self.kind, self.text = self.found[place]
        elif plain and self.kind == " ":
            over = self.found[self.place + 1:self.place + 4]
            if [kind for kind, _ in over] == ["n", "/", "n"]:
                top, bottom = written(over[0][1]), written(over[2][1])
                if top.value < bottom.value:
                    for _ in range(4):
                        self.step()
                    return Node("+", (whole, Node("/", (top, bottom))))
        elif self.kind == "_":  # a number to a base
            raise NotAFormula
        return whole


def is_plain(tree: Node) -> bool:
    """Tell whether a tree has no matrix and no double sign, so that it has one value."""
    return not (has(tree, "m") or has(tree, "±") or has(tree, "∓"))

