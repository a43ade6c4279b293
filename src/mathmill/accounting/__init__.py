"""What a model cost: calls of a teacher by their tokens, machines by their hours, step by step.

Why: JiuZhang3.0 reckons its cost so (its appendix A), and a synthesizer is worth having only
where that sum is smaller than what its teacher would have asked for the same rows. A plan and a
report must reckon alike, so the arithmetic is here, beneath both. `lines` are its figures and
how they read, `chain` says which part of the account a step belongs to and what a model rests
on, `models` what each came to, `published` what papers told.

Used as: `Line("first rows", API, calls=Calls(60, 18_000, 52_000, pico)).money().words`.
"""

from mathmill.accounting.chain import REST as REST
from mathmill.accounting.chain import Student as Student
from mathmill.accounting.chain import Work as Work
from mathmill.accounting.chain import holds_synthesizer as holds_synthesizer
from mathmill.accounting.chain import parts as parts
from mathmill.accounting.chain import rows_of as rows_of
from mathmill.accounting.chain import students as students
from mathmill.accounting.lines import API as API
from mathmill.accounting.lines import NOT_TOLD as NOT_TOLD
from mathmill.accounting.lines import PARTS as PARTS
from mathmill.accounting.lines import SELECTION as SELECTION
from mathmill.accounting.lines import SYNTHESIS as SYNTHESIS
from mathmill.accounting.lines import SYNTHESIZER as SYNTHESIZER
from mathmill.accounting.lines import TRAINING as TRAINING
from mathmill.accounting.lines import Calls as Calls
from mathmill.accounting.lines import Line as Line
from mathmill.accounting.lines import Money as Money
from mathmill.accounting.lines import Time as Time
from mathmill.accounting.lines import added as added
from mathmill.accounting.lines import total as total
from mathmill.accounting.models import Account as Account
from mathmill.accounting.models import Made as Made
from mathmill.accounting.models import models as models
from mathmill.accounting.published import PUBLISHED as PUBLISHED
from mathmill.accounting.published import Published as Published
from mathmill.accounting.published import at_prices as at_prices
