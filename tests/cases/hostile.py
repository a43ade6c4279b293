r"""Hostile texts by name: what a model may write, by accident or on purpose, to hurt a grader.

Why: the matrix in `test_hostile` and whoever else wants to be sure of a front end take the
same texts. Each is made when asked for, as some are a megabyte.

Used as: `TEXTS["power tower"]()` -> the text; `PAYLOADS(path)` -> code that would make a file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

MILLION = 1_000_000
DEEP = 3_000

TEXTS: dict[str, Callable[[], str]] = {
    # Values that no machine holds.
    "power tower": lambda: "9^{9^{9^9}}",
    "tower of five": lambda: "9^{9^{9^{9^9}}}",
    "tower without braces": lambda: "9^9^9^9",
    "tower in python": lambda: "9**9**9**9",
    "tower of ten": lambda: "10^{10^{10}}",
    "huge exponent": lambda: "7^{10^8}",
    "plain huge exponent": lambda: "7^{100000000}",
    "negative huge exponent": lambda: "7^{-100000000}",
    "tower of letters": lambda: "x^{x^{x^{x^x}}}",
    "nested powers": lambda: "(((2^{99})^{99})^{99})^{99}",
    "root of a tower": lambda: r"\sqrt{9^{9^{9^9}}}",
    "scientific tower": lambda: "1e999999999",
    "tiny scientific": lambda: "1e-999999999",
    "factorial of a billion": lambda: "(10^9)!",
    "plain factorial": lambda: "1000000000!",
    "factorial tower": lambda: "((9!)!)!",
    "many factorials": lambda: "9" + "!" * 50,
    "a thousand factorials": lambda: "9" + "!" * 1000,
    "factorial of a sum": lambda: "(99999 + 99999)!",
    "binomial": lambda: r"\binom{10^9}{5\cdot 10^8}",
    "plain binomial": lambda: r"\binom{1000000000}{500000000}",
    "binomial of names": lambda: r"\binom{n^{99}}{k^{99}}",
    "huge sum": lambda: r"\sum_{k=1}^{10^9} \frac{1}{k^2}",
    "huge sum of sines": lambda: r"\sum_{k=1}^{9999} \sin(k)",
    "huge product": lambda: r"\prod_{k=1}^{10^9} (1+\frac{1}{k})",
    "product of roots": lambda: r"\prod_{k=1}^{9999} \sqrt{k}",
    "hard integral": lambda: r"\int_0^{\infty} \frac{\sin(x^3)\ln x}{e^x+x^x} dx",
    "improper integral": lambda: r"\int_0^{\infty} \frac{\sin(x)}{x^3+x+1} dx",
    "integral without end": lambda: r"\int e^{x^2} \sin x dx",
    "nested integrals": lambda: r"\int_0^1 " * 8 + "x" + " dx" * 8,
    "hard limit": lambda: r"\lim_{x \to 0} \frac{\sin(\tan x)-\tan(\sin x)}{x^7}",
    "expansion": lambda: "(a+b+c+d+e+f)^{9999}",
    "trigonometric powers": lambda: r"\sin^{50}(x)+\cos^{50}(x)+\sin(50x)\cos(50x)",
    "58 surds": lambda: "+".join(rf"\sqrt{{{n}}}" for n in range(2, 60)),
    "set of 58 surds": lambda: r"\{" + ",".join(rf"\sqrt{{{n}}}" for n in range(2, 60)) + r"\}",
    "nested surds": lambda: r"\sqrt{2+" * 20 + "1" + "}" * 20,
    "quintic": lambda: "x^5-x-1=0",
    "hard equation": lambda: r"x^x+\sin(x)=e^{x^2}",
    "inequality of the ninth degree": lambda: "x^9-x^8+3x^3-x+1<0",
    "matrix power": lambda: r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^{9999}",
    "matrix of a hundred names": lambda: r"\begin{pmatrix}" + r"\\".join(
        "&".join(f"a_{{{row}{column}}}" for column in range(10)) for row in range(10))
        + r"\end{pmatrix}",
    "nested logarithms": lambda: r"\log(" * 30 + "x" + ")" * 30,
    "modulus of a tower": lambda: r"9^{9^{9^9}} \mod 7",
    "gcd of powers": lambda: r"\gcd(2^{9999}-1, 3^{9999}-1)",
    # Depth.
    "3,000 parentheses": lambda: "(" * DEEP + "1" + ")" * DEEP,
    "200 parentheses": lambda: "(" * 200 + "1" + ")" * 200,
    "45 parentheses": lambda: "(" * 45 + "x" + ")" * 45,
    "3,000 braces": lambda: "{" * DEEP + "1" + "}" * DEEP,
    "3,000 brackets": lambda: "[" * DEEP + "1" + "]" * DEEP,
    "3,000 set braces": lambda: r"\{" * DEEP + "1" + r"\}" * DEEP,
    "3,000 mixed brackets": lambda: "([{" * 1000 + "1" + "}])" * 1000,
    "unclosed parentheses": lambda: "(" * DEEP,
    "unopened parentheses": lambda: ")" * DEEP,
    "400 fractions": lambda: r"\frac{1}{" * 400 + "2" + "}" * 400,
    "3,000 fractions": lambda: r"\frac{1}{" * DEEP + "2" + "}" * DEEP,
    "3,000 roots": lambda: r"\sqrt{" * DEEP + "2" + "}" * DEEP,
    "3,000 exponents": lambda: "2^{" * DEEP + "2" + "}" * DEEP,
    "3,000 texts": lambda: r"\text{" * DEEP + "2" + "}" * DEEP,
    "3,000 lefts": lambda: r"\left(" * DEEP + "2" + r"\right)" * DEEP,
    "absolute bars": lambda: "|" * 400 + "x" + "|" * 400,
    "nested tuples": lambda: "(1," * 300 + "1" + ")" * 300,
    "nested boxes": lambda: r"\boxed{" * DEEP + "1" + "}" * DEEP,
    "1,900 minus signs": lambda: "-" * 1900 + "1",
    "1,900 plus signs": lambda: "1" + "+" * 1900 + "1",
    "minus signs after a product": lambda: "2*" + "-" * 900 + "1",
    # Length.
    "a million digits": lambda: "1" * MILLION,
    "a million decimals": lambda: "0." + "3" * MILLION,
    "1,900 digits": lambda: "7" * 1900,
    "fraction of long numbers": lambda: "1" * 900 + "/" + "3" * 900,
    "a million braces": lambda: "{" * MILLION,
    "a million closed braces": lambda: "{}" * (MILLION // 2),
    "a million backslashes": lambda: "\\" * MILLION,
    "a million spaces": lambda: " " * MILLION + "1",
    "a million line ends": lambda: "\n" * MILLION + "1",
    "a million letters": lambda: "a" * MILLION,
    "a million commas": lambda: "," * MILLION,
    "a million ones and commas": lambda: "1," * (MILLION // 2),
    "a million fractions": lambda: r"\frac12" * (MILLION // 7),
    "a million sums": lambda: "1+" * (MILLION // 2) + "1",
    "30,000 unclosed boxes": lambda: r"\boxed{" * 30_000,
    "30,000 boxes": lambda: r"\boxed{1}" * 30_000,
    "2,800 boxes without braces": lambda: r"\boxed 1" * 2_800,
    "100,000 dollars": lambda: "$" * 100_000,
    "100,000 dollar pairs": lambda: "$1$ " * 25_000,
    "100,000 percents": lambda: "1" + "%" * 100_000,
    "3,000 elements": lambda: r"\{" + ",".join(map(str, range(DEEP))) + r"\}",
    "400 elements": lambda: ", ".join(map(str, range(400))),
    "600 signs": lambda: ",".join(["1"] * 950),
    # Characters.
    "empty": lambda: "",
    "spaces": lambda: "   ",
    "nul": lambda: "4\x002",
    "only nul": lambda: "\x00" * 100,
    "lone surrogate": lambda: "\ud800",
    "lone surrogate in a number": lambda: "4\udfff2",
    "reversed surrogates": lambda: "\udc00\ud800",
    "emoji": lambda: "🍎 + 🍎 = 42",
    "joined emoji": lambda: "👨\u200d👩\u200d👧" * 400,
    "bidi marks": lambda: "\u202e24\u202c",
    "bidi isolates": lambda: "\u2066" * 500 + "42" + "\u2069" * 500,
    "arabic digits": lambda: "٤٢",
    "devanagari digits": lambda: "४२",
    "mathematical digits": lambda: "𝟒𝟐",
    "circled digits": lambda: "④②",
    "superscripts": lambda: "2²³⁴⁵⁶⁷⁸⁹",
    "roman numeral signs": lambda: "ⅫⅩ",
    "unicode minus": lambda: "−−−5",
    "zero width": lambda: "4\u200b2\ufeff",
    "combining marks": lambda: "4" + "\u0301" * 1500,
    "all controls": lambda: "".join(map(chr, range(32))) + "42",
    "byte order mark": lambda: "\ufeff42",
    "non-characters": lambda: "\ufffe\uffff\U0010ffff",
    "turkish i": lambda: "İıİı" * 400,
    "sharp s": lambda: "ß" * 1900,
    # Values that are none.
    "nan": lambda: "nan", "infinity": lambda: "inf", "minus infinity": lambda: "-Infinity",
    "none": lambda: "None", "division by nought": lambda: r"\frac{1}{0}",
    "nought to nought": lambda: "0^0", "nought to minus one": lambda: "0^{-1}",
    "log of nought": lambda: r"\log 0", "tangent of ninety": lambda: r"\tan\frac{\pi}{2}",
    "infinity less infinity": lambda: r"\infty-\infty", "base one": lambda: "111_1",
    "base zero": lambda: "5_0", "base of a million": lambda: "5_{1000000}",
    # Macros of TeX, format strings, templates.
    "input": lambda: r"\input{/etc/passwd}", "write18": lambda: r"\immediate\write18{id}",
    "catcode": lambda: r"\catcode`\{=12", "endless macro": lambda: r"\def\x{\x\x}\x",
    "newcommand": lambda: r"\newcommand{\x}{9^{9^9}}\x",
    "csname": lambda: r"\csname input\endcsname{/etc/passwd}",
    "format string": lambda: "%s%s%s%n%x{0.__class__}{}{0!r}", "template": lambda: "{{7*7}}${7*7}",
    "wide format": lambda: "{:>999999999}", "wide percent": lambda: "%999999999d",
    "regex": lambda: "(a+)+$" * 100, "group references": lambda: r"\1\g<0>\g<1>" * 100,
    "backslash at the end": lambda: "1\\",
}

# Runs against each pattern of grading/*.py: what nearly matches it, over and over.
_RUNS = (
    r"\text{", r"\text{a} ", r"\text{(", "\\boxed ", "\\boxed", "\\fbox{", r"\left(", r"\,",
    r"\; ", "#", "# ", "####", "#### \n", "answer is ", "The answer is: ", "answer:", "A:",
    "A: B) ", "A, ", "A and ", "(A) ", "A B ", "(A)", "AB", "option A ", "option ",
    "the correct answer is ", "is ", "answer = ", "答案是", "选项 ", "选", "故选", "正确的是 A",
    "A、", "和",
    "```", "```output\n", "```\n1\n", "**", "**1", "__", "__1__ ", "<answer>", "</answer>",
    "<answer></answer>", "</think>", "$", "$$", "$a$", "$a$, ",
    "$1$ and ", r"\(", r"\(1\)",
    r"\(1\), ", r"\[", "\\", "\\\\", "0,000", "1 1 ", "1 000 ", "1.", "1..", ".", "0.0", "1/",
    "1/2 ", "1 1/2 ", "-", "- ", "--1", "+", "=", "x=", "x = ", "x_1 = ", "f(x)=", "a=b=", "<",
    "x<", "1<x<", "{,}", "{", "}", "{ } ", "{}{}", "( ", "(1,", "[1,2)", r"\cup", r"(1,2)\cup ",
    r"\{", r"\pm ", "1±", "^", "^2", "^{2", "_", "_{1}", "_2", "1_2 ", "%", "1% ", "10 percent ",
    "per cent ", " cm", "cm ", "cm^2 ", "cm/", " miles per hour", "5 cm ", "a ", "a b ", "ab ",
    "twenty ", "twenty-one ", "one hundred and ", "and ", " or ", "or", ", and ", "about ",
    "approximately ", "equals ", "is equal to ", "where ", ", where x ", "for all ", "since ",
    "therefore ", "so ", "step 1: ", "1) ", "1. a", "\n", "\n\n", "\n1", "\r\n", "\t", " \t",
    "\u00a0", "\u3000", "·", "°", "^\\circ", r"\degree", r"\frac", r"\frac{", r"\frac{1}",
    r"\frac 1", r"\frac1", r"\frac{1}{2}", r"\sqrt", r"\sqrt[", r"\sqrt3", r"\begin{pmatrix}",
    r"\begin{array}{c}", "&", r"1&2\\", r"\end{pmatrix}", r"\mathrm{", r"\operatorname{", r"\!",
    r"\quad", "!", "1!", "e1", "1e5 ", "1e", "12:", "12:30 ", "2020-01-01 ", "January 1, ",
    "p.m. ", "o'clock ", "分之", "万", "3万", "零一二", "、", "：", "）", "'", "\"", "“",
    "* ", "*1*", "`",
    "`1` ", "|", "|x|", "||", "[", "]", "~", "≈", r"\approx ", "Step ", r"\dots", r"\ldots,",
    "...", "-1,", "1;", "; ", "1:", "1:2:", "Answer ", "ANSWER IS", "i", "pi", r"\pi ")
TEXTS |= {f"run of {run!r}": (lambda run=run: run * (19_900 // len(run)))  # type: ignore[misc]
          for run in _RUNS}
TEXTS |= {f"short run of {run!r}": (lambda run=run: run * (1_990 // len(run)))  # type: ignore[misc]
          for run in _RUNS}


def payloads(canary: Path) -> dict[str, str]:
    """Return answers that would make the file `canary` where one were evaluated."""
    path = str(canary)
    opens = f"open({path!r},'w').close()"
    return {
        "exec": f"exec(\"{opens}\")", "eval": f"eval(\"{opens}\")", "plain call": opens,
        "import": f"__import__('os').system('touch {path}')",
        "import in LaTeX": rf"\text{{__import__('os').system('touch {path}')}}",
        "import in dollars": f"$__import__('os').system('touch {path}')$",
        "import in a box": rf"\boxed{{__import__('os').system('touch {path}')}}",
        "in a fraction": rf"\frac{{__import__('os').system('touch {path}')}}{{1}}",
        "in a sum": f"1+__import__('os').system('touch {path}')",
        "in a list": f"[1, __import__('os').system('touch {path}')]",
        "subclasses": "().__class__.__base__.__subclasses__()[104].load_module('os')."
                      f"system('touch {path}')",
        "lambda": f"(lambda: {opens})()", "f-string": f"f'{{{opens}}}'",
        "sympy": f"S(\"{opens}\")", "sympify": f"sympify(\"{opens}\")",
        "parse_expr": f"parse_expr(\"{opens}\")", "Symbol": f"Symbol('x').func({opens})",
        "getattr": f"getattr(__import__('pathlib'),'Path')({path!r}).touch()",
        "pickle": "cos\nsystem\n(S'touch " + path + "'\ntR.",
        "yaml": f"!!python/object/apply:os.system ['touch {path}']",
        "shell": f"$(touch {path})", "backticks": f"`touch {path}`",
        "semicolon": f"1; touch {path}",
        "write18": rf"\immediate\write18{{touch {path}}}", "openout": rf"\openout5={path}",
        "format": f"{{0.__class__.__init__.__globals__[os].system('touch {path}')}}",
        "digits only": "1if 1else(9**9**9)", "spaces": f"1\n\n{opens}", "comment": f"1 # {opens}",
        "walrus": f"(x:={opens})", "numpy": f"__import__('numpy').save({path!r},1)",
    }
