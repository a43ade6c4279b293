"""Which language a text is in: enough to leave out what a prompt in English could not use.

Why: a crawl of mathematics is full of German lecture notes and Russian papers, few rows say
so, and formulas look alike in all of them. Letters tell scripts apart, small words the
languages that are written in Latin letters.

Used as: `language_of(text)` -> `en`, `zh`, `de`, ...; `code_of("English")` -> `en`.
"""

from __future__ import annotations

import re

LANGUAGES = ("en", "zh")
"The languages in which there are prompts."

# Between dollars stands a formula where neither has a blank inside or a digit behind: else prices.
_MATHS = re.compile(r"\$\$.*?\$\$|\$(?=\S)[^$]{1,300}(?<=\S)\$(?!\d)|\\\(.*?\\\)|\\\[.*?\\\]|\\[a-zA-Z]+|https?://\S+",
                    re.DOTALL)
_SCRIPTS = {
    "zh": re.compile("[\u3400-\u9fff]"), "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af\u1100-\u11ff]"), "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff]"), "he": re.compile("[\u0590-\u05ff]"),
    "hi": re.compile("[\u0900-\u097f]"), "th": re.compile("[\u0e00-\u0e7f]"),
    "el": re.compile("[\u0370-\u03ff\u1f00-\u1fff]{4,}"),  # words: single letters are maths
    # Armenian, Bengali, Tamil, Georgian, Khmer, ...: that it is none of ours is all to know.
    "other": re.compile("[\u0530-\u058f\u0700-\u08ff\u0980-\u0dff\u0e80-\u10ff\u1200-\u1cff]"),
}
_WORDS = {
    "en": "the of and to is in that for are with as this be by on from we it or an which not can "
          "if have has was each how many his her they you at one all there do no so may any my "
          "than then these those when where what such let its two more",
    "de": "der die das und ist von mit für eine ein den dem des sich nicht auf wir sei daß dass "
          "durch sind werden wird auch oder wenn man einen einer",
    "fr": "le la les des est une dans que pour qui sur par avec soit sont nous pas du et au aux "
          "cette ces donc alors où il elle",
    "es": "el la los las que en es una por con para se del como son y sea este esta entonces donde "
          "al su más",
    "it": "il la che di è una per con gli dei della del sono si non le nel alla più sia dove come "
          "questo questa",
    "pt": "o os que em é uma para com não por do da dos das se são como mais seja então ao onde "
          "esta este",
    "nl": "de het een van is dat en voor met niet zijn aan op worden we als ook bij door geen",
    "pl": "jest nie się na że do z oraz dla jako przez który która są ze lub to gdy więc",
    "sv": "och att det som en för är på av med den till inte om vi ett kan eller",
    "da": "og det er som på af til ikke kan eller også dette enhver gælder vi hvis når har blev",
    "fi": "ja se ei että niin kun jos joka tai myös ovat siis mutta tämä kuin kaikki olla sen",
    "hu": "és az hogy nem egy ez azt vagy minden akkor mert csak így ennek is ezért lehet",
    "la": "et est non ut cum quod ex sunt vel nec autem igitur erit sive quae hoc esse",
    "tr": "ve bir bu için ile olan olarak da de ise her gibi değil olduğu",
    "cs": "je se na že do jako pro jsou nebo který která pak tak být aby když",
    "vi": "là và của các một có cho được trong với không này những khi",
    "id": "yang dan di dari dengan untuk adalah ini itu pada dalam tidak sebuah",
}
_SETS = {code: frozenset(words.split()) for code, words in _WORDS.items()}
_FOREIGN = frozenset().union(*_SETS.values()) - _SETS["en"]
_WORD = re.compile(r"[^\W\d_]+")
_NAMES = {"english": "en", "eng": "en", "chinese": "zh", "zho": "zh", "chi": "zh", "german": "de",
          "deu": "de", "french": "fr", "fra": "fr", "russian": "ru", "rus": "ru",
          "spanish": "es", "spa": "es", "italian": "it", "japanese": "ja", "korean": "ko"}


def code_of(name: str | None) -> str | None:
    """Return the code of a language as rows name it: `English`, `eng` and `en-GB` are `en`."""
    if not name:
        return None
    folded = name.strip().casefold()
    return _NAMES.get(folded) or re.split(r"[-_]", folded)[0]


def language_of(text: str) -> str:
    """Return the code of a text's language; `en` where formulas leave no word to tell.

    Made for snippets of some hundred characters: another language than English is named on
    three small words at least that English has not, and half as many again as English ones.
    """
    plain = _MATHS.sub(" ", text)
    words = [word for word in _WORD.findall(plain.lower()) if len(word) > 1 or word in "oyz"]
    if not plain.isascii():
        script = _script(plain, sum(word.isascii() for word in words))
        if script:
            return script
    foreign = [word for word in words if word in _FOREIGN]
    if len(foreign) >= 3 and len(set(foreign)) >= 2:
        hits = {code: sum(map(known.__contains__, words)) for code, known in _SETS.items()}
        best = max((code for code in hits if code != "en"), key=lambda code: hits[code])
        if hits[best] > 1.5 * hits["en"]:
            return best
    return "en"


def _script(plain: str, latin_words: int) -> str | None:
    """Return the language whose letters outweigh the Latin words, or None.

    A Chinese or Japanese sign counts as a word; elsewhere five letters do.
    """
    counts = {code: len(pattern.findall(plain)) for code, pattern in _SCRIPTS.items()}
    signs = counts["zh"] + counts["ja"]
    if signs > latin_words:
        return "ja" if counts["ja"] * 10 > signs else "zh"
    best = max((code for code in counts if code not in ("zh", "ja")), key=lambda c: counts[c])
    share = 1 if best == "el" else 5  # a match in Greek is a word already
    return best if counts[best] > share * max(latin_words, 2) else None
