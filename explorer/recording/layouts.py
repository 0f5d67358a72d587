"""Stand-ins for modules of unknown classes where the axes of their calls are read: the calls are kept in one of two layouts."""

from torch import nn


class CellLayout(nn.Module):
    """One step a call: input [batch, feature], each state [batch, unit]."""


class SequenceLayout(nn.Module):
    """A sequence a call: input and output [batch, time, feature], each state [1, batch, unit]."""

    batch_first = True
