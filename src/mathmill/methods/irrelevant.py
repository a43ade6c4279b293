"""Irrelevant sentences in the manner of GSM-IC: put into a problem without asking a teacher.

Why: whether a student is led astray depends on what the idle sentence is like. GSM-IC (Shi et
al. 2023) varies three things, each of two kinds: the topic (the problem's things, or something
else), the name (somebody of the problem, or a stranger) and the number (within a factor of ten
of one of the problem's, or beyond). Here they are switches, and a row's lineage tells them.

Used as: `text, switches = insert_sentence(seed, Switches(True, False, True), number)`.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass

from mathmill.identity import draw
from mathmill.methods.replies import Unusable
from mathmill.types import Problem

IN_TOPIC = {
    "en": ("{name}'s cousin once had {a} {item}.",
           "Last year {name} counted {a} {item} somewhere else.",
           "In a tale that {name} knows there are {a} {item}.",
           "{name} once dreamt of {a} {item}."),
    "zh": ("{name}的表哥曾经有{a}个{item}。", "去年{name}在别处数过{a}个{item}。",
           "{name}听过的一个故事里有{a}个{item}。"),
}
OFF_TOPIC = {
    "en": ("The dog of {name} is {a} months old.",
           "It takes {name} {a} minutes to wash the dishes.",
           "The number on {name}'s door is {a}.",
           "{name} once wrote a letter of {a} words.",
           "The clock in {name}'s kitchen once cost ${a}."),
    "zh": ("{name}的小狗{a}个月大。", "{name}洗碗要{a}分钟。", "{name}家的门牌号是{a}。",
           "{name}写过一封{a}个字的信。"),
}
STRANGERS = {"en": ("Ruth", "Omar", "Clara", "Hugo", "Vera", "Felix", "Dora", "Theo"),
             "zh": ("小兰", "小宇", "小玲", "小东", "小燕", "小杰")}
RANGE = 10  # GSM-IC: in range is a ratio to some number of the problem from 1/10 to 10

_NUMBER = re.compile(r"(?<![A-Za-z0-9.])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")
_CAPITAL = re.compile(r"(?<![A-Za-z])[A-Z][a-z]{1,11}(?![A-Za-z])")
_WORDS = """
    A After All Also Although Altogether America American An And Another Any April Are As
    Assume Assuming At August Aunt Bank Because Before Big Both Bought But By Calculate
    California Can Children Christmas City Company Consider Could Dad Dr Day December Determine
    Did Do Does During Each Easter Eight English Even Every Express Farmer Father February
    Finally Find First Five Florida For Four French Friday From Given Grade Grandma Grandpa
    Guests Half Halloween He Her High His History How However If In Instead Internet Into Is
    It Its January July June Lake Last Later Let Little Los Many March Math May Mexico Miss
    Mom Monday More Most Mother Mr Mrs Ms My New Next Nine No Not November Now October Of On
    Once One Only Or Other Out Over Park People Per River Round Saturday School Science
    Second September Seven Several She Should Since Six So Some Soon Spanish Store Street
    Students Sunday Suppose Ten Texas Than That The Their Then There These They Third This
    Those Three Thursday To Today Together Tomorrow Total Tuesday Twice Two Uncle Under
    Until Use We Wednesday What When Where Which While Who Why Will With Workers Would Write
    Yesterday York You Your"""
_NOT_NAMES = frozenset(_WORDS.split())
_NAME_CHINESE = re.compile("小[明红刚丽芳梅雪燕云兰美玲强华军亮东林宇杰文英霞平李王张]")
_THING = re.compile(r"(?<![0-9./$])[0-9][0-9,]*[ ]"
                    r"(?:more |new |other |full |red |blue |small |big )?"
                    r"(?P<thing>[a-z]{2,14}(?<!s)s|people|children)(?![a-z])")
_THING_CHINESE = re.compile("[0-9]个(?P<thing>[\u4e00-\u9fff]{2})(?=[，。；、？！])")
_MEASURES = """
    centimeters centimetres cents degrees dollars dozens days euros feet gallons grams hours
    inches kilograms kilometers kilometres kilos kgs liters litres meters metres miles
    milliliters minutes months ounces pints points pounds quarts seconds times tons weeks
    yards years as is was has does this its his plus minus less hundreds thousands millions"""
_UNITS = frozenset(_MEASURES.split())
_LAST = {"en": re.compile(r"(?<=[^A-Z\s][.!?])(?<!Mr\.)(?<!Mrs\.)(?<!Ms\.)(?<!Dr\.)\s+(?=\S)"),
         "zh": re.compile("(?<=[。！？])\\s*(?=\\S)")}


@dataclass(frozen=True, slots=True)
class Switches:
    """What an irrelevant sentence is like."""

    in_topic: bool
    "Whether it speaks of the problem's own things."
    same_name: bool
    "Whether it is about a person of the problem, or a stranger."
    in_range: bool
    "Whether its number is within a factor of ten of one of the problem's."

    @property
    def label(self) -> str:
        """Return the switches as lineage shows them, in the place of a prompt's name."""
        return (f"irrelevant/topic={'in' if self.in_topic else 'off'},"
                f"name={'same' if self.same_name else 'other'},"
                f"number={'in' if self.in_range else 'out'}@1")


ALL = tuple(Switches(topic, name, number) for topic in (True, False) for name in (True, False)
            for number in (True, False))
"The eight kinds."


def draw_switches(seed: Problem, number: int) -> Switches:
    """Return the switches of attempt `number`: of those that fit the seed, each in its turn.

    Raises Unusable where the seed holds no number.
    """
    if not numbers_in(seed.question):
        raise Unusable("no number in the seed", seed.question)
    able = [each for each in ALL
            if (not each.in_topic or thing_in(seed)) and (not each.same_name or name_in(seed))]
    draw("irrelevant", seed.id).shuffle(able)
    return able[number % len(able)]


def insert_sentence(seed: Problem, switches: Switches, number: int) -> tuple[str, Switches]:
    """Return the seed's text with one irrelevant sentence before what is asked; its switches.

    Raises Unusable (`no number in the seed`, `no thing in the seed`, `no name in the seed`)
    where the seed does not offer what a switch needs.
    """
    language = seed.language if seed.language in IN_TOPIC else "en"
    numbers, thing, name = numbers_in(seed.question), thing_in(seed), name_in(seed)
    for there, what in ((numbers, "number"), (thing or not switches.in_topic, "thing"),
                        (name or not switches.same_name, "name")):
        if not there:
            raise Unusable(f"no {what} in the seed", seed.question)
    rng = draw("irrelevant sentence", seed.id, number, switches.label)
    if not switches.same_name:
        name = rng.choice([each for each in STRANGERS[language] if each not in seed.question])
    form = rng.choice((IN_TOPIC if switches.in_topic else OFF_TOPIC)[language])
    sentence = form.format(name=name, item=thing, a=_number(numbers, switches.in_range, rng))
    text = seed.question.strip()
    gaps = list(_LAST[language].finditer(text))
    space = "" if language == "zh" else " "
    if not gaps:
        return f"{sentence}{space}{text}", switches
    return f"{text[:gaps[-1].start()]}{space}{sentence}{space}{text[gaps[-1].end():]}", switches


def numbers_in(text: str) -> list[float]:
    """Return the numbers above 0 that a text holds in digits."""
    found = (float(number.replace(",", "")) for number in _NUMBER.findall(text[:5000]))
    return [number for number in found if number > 0]


def name_in(seed: Problem) -> str:
    """Return the name of a person in a problem, the most frequent; empty where none is seen."""
    text = seed.question[:5000]
    if seed.language == "zh":
        found = Counter(_NAME_CHINESE.findall(text))
    else:
        found = Counter(word for word in _CAPITAL.findall(text) if word not in _NOT_NAMES)
        # A word that stands in capitals only where a sentence begins must do what people do.
        for word in list(found):
            if not re.search(rf"(?:[a-z,;0-9] |\A|\b(?:Mr|Mrs|Ms|Dr)\. ){word}\b|\b{word}(?:'s"
                             rf"| and | has| had| is| was| [a-z]{{2,9}}(?:s|ed)\b)", text):
                del found[word]
    return found.most_common(1)[0][0] if found else ""


def thing_in(seed: Problem) -> str:
    """Return what a problem counts, in the plural: `apples`; empty where none is seen."""
    text = seed.question[:5000]
    if seed.language == "zh":
        found = _THING_CHINESE.search(text)
        return found["thing"] if found else ""
    things = Counter(match["thing"] for match in _THING.finditer(text))
    able = [thing for thing, _ in things.most_common() if thing not in _UNITS]
    return able[0] if able else ""


def _number(numbers: list[float], in_range: bool, rng: random.Random) -> str:
    """Return a whole number in or out of range of a problem's numbers, and none of them."""
    told = {int(number) for number in numbers}
    if not in_range:
        return str(int(max(numbers) * RANGE * rng.uniform(1.5, 9)) + RANGE + 1)
    middle = rng.choice(numbers)
    low, high = max(2, round(middle / 2)), max(9, round(middle * 2))
    for _ in range(20):
        drawn = rng.randint(low, high)
        if drawn not in told and middle / RANGE <= drawn <= middle * RANGE:
            break
    return str(drawn)
