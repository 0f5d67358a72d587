"""The panel "Does it learn?" alone, with a training long enough to be left, and a line in the server's log when one ends."""

import logging
import sys

from pages._panels.gradient_flow import learn
from pages._shared import background

learn.UPDATES = (20_000,)
background.GRACE = 5.0
logging.getLogger("pages._shared.background").setLevel(logging.INFO)
if not logging.getLogger("pages._shared.background").handlers:
    logging.getLogger("pages._shared.background").addHandler(logging.StreamHandler(sys.stdout))

learn.panel(None, [])  # type: ignore[arg-type]
