"""The journal: every reply is on disk before anybody uses it, and is never bought twice.

`journaled` is the teacher that keeps, `store` the file, `record` one line of it, `index` where
the lines are, `place` where the file is, `inspect` what a person may ask of it.
"""

from mathmill.teachers.journal.journaled import Journaled
from mathmill.teachers.journal.place import place

__all__ = ["Journaled", "place"]
