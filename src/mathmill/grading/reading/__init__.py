"""From an answer's text to a value: spelling made one, then numbers, words, groups, relations."""
