"""The panel "Does it learn?" alone, with a training long enough to be left, and a line in the server's log when one ends."""

import logging
import sys

from pages._gradient_flow import learn
from pages._ui import jobs

learn.UPDATES = (20_000,)
jobs.GRACE = 5.0
logging.getLogger("pages._ui.jobs").setLevel(logging.INFO)
if not logging.getLogger("pages._ui.jobs").handlers:
    logging.getLogger("pages._ui.jobs").addHandler(logging.StreamHandler(sys.stdout))

learn.panel(None, [])  # type: ignore[arg-type]
