"""The words that vary in a story without changing it: people, places, adjectives, pronouns.

Why: a slot's words are data shared by writer and reader; the signature ignores them all.
Names are common or invented first names and mean no one.
"""

from __future__ import annotations

GIRLS = {
    "en": ("Mia", "Anna", "Lena", "Zoe", "Ruth", "Nina", "Emma", "Clara", "Ivy", "Rosa", "Tara",
           "Lucy", "Nora", "Elsa", "Maya", "Dora", "Kira", "Jane", "Ella", "Vera"),
    "zh": ("小红", "小丽", "小芳", "小梅", "小雪", "小燕", "小云", "小兰", "小美", "小玲"),
}
BOYS = {
    "en": ("Tom", "Ben", "Sam", "Leo", "Max", "Paul", "Omar", "Finn", "Jack", "Hugo", "Adam",
           "Noah", "Eric", "Ivan", "Luke", "Carl", "Dan", "Milo", "Theo", "Felix"),
    "zh": ("小明", "小刚", "小强", "小华", "小军", "小亮", "小东", "小林", "小宇", "小杰"),
}
PLACES = {
    "en": ("the school", "the park", "the market", "the library", "the museum", "the harbour",
           "the village", "the town hall", "the old bridge", "the zoo"),
    "zh": ("学校", "公园", "市场", "图书馆", "博物馆", "码头", "村口", "市政厅", "老桥", "动物园"),
}
ADJECTIVES = {
    "en": ("big", "small", "new", "fine", "lovely", "plain"),
    "zh": ("大", "小", "新", "好"),
}
THINGS = {  # what families count beside their own items: idle sentences may speak of them
    "en": ("people", "children", "pages", "trees", "seats", "guests", "crates", "sheets", "rows",
           "pieces", "bags", "packs", "friends", "groups", "trays", "classes", "vans", "workers",
           "rolls", "bottles", "tickets", "families", "stops", "cups", "jugs", "buses", "cartons",
           "parts", "chapters", "snacks", "drinks", "cards", "stickers", "toys"),
    "zh": ("孩子", "座位", "朋友", "杯子", "工人"),
}
PRONOUNS = {
    "en": {"girl": {"He": "She", "he": "she", "him": "her", "his": "her"},
           "boy": {"He": "He", "he": "he", "him": "him", "his": "his"}},
    "zh": {"girl": {"he": "她"}, "boy": {"he": "他"}},
}


def people(language: str) -> tuple[str, ...]:
    """Return all names of a language."""
    return GIRLS[language] + BOYS[language]


def pronouns(name: str, language: str) -> dict[str, str]:
    """Return the pronoun slots (`He he him his`) that fit a name."""
    return PRONOUNS[language]["girl" if name in GIRLS[language] else "boy"]
