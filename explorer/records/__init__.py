"""Records of one run of a network: frozen dataclasses of numpy arrays, checked on creation. One sequence each, no batch axis."""

from explorer.records.alignment import SUM_TOLERANCE, Alignment
from explorer.records.confusion_matrix import ConfusionMatrix
from explorer.records.displayed import Displayed
from explorer.records.gradient_flow import GradientFlow
from explorer.records.trace import SIGNED_GATES, SLACK, Trace
from explorer.records.trace_file import VERSION

__all__ = ["SIGNED_GATES", "SLACK", "SUM_TOLERANCE", "VERSION", "Alignment", "ConfusionMatrix", "Displayed", "GradientFlow", "Trace"]
