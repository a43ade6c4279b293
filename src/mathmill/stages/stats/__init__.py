"""Stats: what files of rows hold, told in one pass and in memory that does not grow with them.

Why: before rows are made, mixed or trained on, a person asks the same questions of every file:
how many, how long, in what language, how often the same, how many with an answer. One sheet
answers them for several files beside each other.

Used as: `survey_files(["a.jsonl", "b/*.parquet"])` -> `Surveys`; `print(sheet(surveys))`.
"""

from mathmill.stages.stats.files import Surveys, survey_files
from mathmill.stages.stats.sheet import sheet

__all__ = ["Surveys", "sheet", "survey_files"]
