"""Files of responses graded: rows in, verdicts and a summary out, of any size."""

from mathmill.grading.files.grade import grade_file as grade_file
from mathmill.grading.files.grade import grade_rows as grade_rows
from mathmill.grading.files.tally import UNREADABLE as UNREADABLE
from mathmill.grading.files.tally import Graded as Graded
from mathmill.grading.files.tally import GradeSummary as GradeSummary
