"""Records recurrent PyTorch networks while they run, measures what was recorded and draws it. Needs torch and numpy alone.

>>> import explorer
>>> with explorer.record(module) as recording:
...     out = module(x)
>>> trace = recording.trace(tokens)
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.analysis.attribution import Attribution
    from explorer.analysis.provenance import Provenance, provenance
    from explorer.analysis.rank import Ranking, rank
    from explorer.errors import ExplorerError
    from explorer.figures.notebook import Figure, show
    from explorer.gradients.attribution import AttributionMethod, attribution
    from explorer.gradients.contributions import InputGradient, input_gradient
    from explorer.gradients.flow import gradient_flow, gradient_flows
    from explorer.interventions import clamped, intervene, silenced
    from explorer.patching import patched
    from explorer.recording.live_module import open
    from explorer.recording.record import Recording, record
    from explorer.records import Alignment, ConfusionMatrix, GradientFlow, Trace
    from explorer.steps import step
    from explorer.tap import Tap

# Public name -> module that gives it. Loaded when first asked for (PEP 562), so that records cost no torch.
_PLACES = {
    "record": "explorer.recording.record",  # with record(module) as recording: module(x)
    "Recording": "explorer.recording.record",  # what was recorded: .paths, .trace(tokens), .alignment(source, target)
    "Tap": "explorer.tap",  # Tap("attention"): an identity module with a name, so that a value inside a model can be recorded
    "step": "explorer.steps",  # @explorer.step(MyCell): the equation of a cell that torch does not know, so that its gates are recorded
    "gradient_flow": "explorer.gradients.flow",  # how large the gradient of a loss is at every step and layer
    "gradient_flows": "explorer.gradients.flow",  # the same for each entry of a vector of losses
    "input_gradient": "explorer.gradients.contributions",  # how sensitive a loss is to each input of the network
    "InputGradient": "explorer.gradients.contributions",  # norms of dL/dx, and gradient times input, [time] each
    "attribution": "explorer.gradients.attribution",  # how much one output depends on each token that was read, by one of four methods
    "AttributionMethod": "explorer.gradients.attribution",  # a method with its baseline and its number of steps
    "Attribution": "explorer.analysis.attribution",  # scores of the tokens, [time], with baseline and completeness error
    "intervene": "explorer.interventions",  # with intervene(module, units=3) as changed: the unit is 0 at every step, or a gate constant
    "provenance": "explorer.analysis.provenance",  # who wrote what a state holds: its present value as a sum over the steps that wrote it
    "Provenance": "explorer.analysis.provenance",  # writers [time, unit], initial [unit]; .through(weights) splits a logit
    "patched": "explorer.patching",  # with patched(module, trace, step=40, into=12) as changed: the state of one text, put into another
    "open": "explorer.recording.live_module",  # open(module, encode): the app on a live module, where recurrent-explorer-app is installed
    "show": "explorer.figures.notebook",  # show(trace): the figure of a record; displays itself in a notebook
    "Figure": "explorer.figures.notebook",  # what show returns: .save("figure.svg"), .drawn
    "rank": "explorer.analysis.rank",  # which units follow a track, with the baselines that they have to beat
    "Ranking": "explorer.analysis.rank",  # scores of each unit for a track
    "silenced": "explorer.interventions",  # the first half of intervene: with silenced(module, "rnn", layer, unit) as quiet
    "clamped": "explorer.interventions",  # the other half: with clamped(module, "rnn", layer, unit, "forget", 1) as held
    "Trace": "explorer.records",  # states and gates of a recurrent module over one sequence
    "Alignment": "explorer.records",  # attention weights when each word was chosen
    "GradientFlow": "explorer.records",  # norms of a gradient through time, as powers of ten
    "ConfusionMatrix": "explorer.records",  # counts of items by true class and predicted class
    "ExplorerError": "explorer.errors",  # base class of all errors; the message is a sentence
}

__all__ = [
    "Alignment",
    "Attribution",
    "AttributionMethod",
    "ConfusionMatrix",
    "ExplorerError",
    "Figure",
    "GradientFlow",
    "InputGradient",
    "Provenance",
    "Ranking",
    "Recording",
    "Tap",
    "Trace",
    "attribution",
    "clamped",
    "gradient_flow",
    "gradient_flows",
    "input_gradient",
    "intervene",
    "open",
    "patched",
    "provenance",
    "rank",
    "record",
    "show",
    "silenced",
    "step",
]


def __getattr__(name: str):
    if name not in _PLACES:
        raise AttributeError(f"explorer has no {name!r}; it gives {', '.join(sorted(_PLACES))}.")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(_PLACES)
