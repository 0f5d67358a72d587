"""A visitor's own translation network: a checkpoint to open, and code that records the attention of any PyTorch module."""

from pages._attention import state
from pages._ui.own_model import TAPPED, OwnModel

SAVE = """from models import checkpoint
from models.translation import FAMILY, Seq2Seq
from models.vocabulary.subwords import Subwords

subwords = Subwords.learn(["the red car", "la voiture rouge"], 300)  # from your own sentences
arguments = {"vocab_size": len(subwords), "attention": "additive", "units": 32, "embedding": 16, "width": 16}
module = Seq2Seq(**arguments)  # load your weights into it
card = {"kind": FAMILY.kind, "direction": "en-fr", "arguments": arguments} | subwords.card()
checkpoint.save(module, card, "mine.safetensors")
"""
RECORD = TAPPED.format(
    imports="import torch\nimport explorer\nfrom explorer.figures.alignment import matrix\nfrom explorer.figures.export import to_html",
    memory="memory",
    count=3,
    after="""alignment = recording.alignment(("the", "red", "</s>"), ("la", "rouge"))
print(alignment.weights)  # target word, source word
Path("alignment.html").write_text(to_html(matrix(alignment)))""",
)
OWN = OwnModel(
    state.PAGE,
    state.EMITS,
    state.undo,
    "**A translation network with your weights**, saved as a file for this page",
    SAVE,
    "**The attention of any PyTorch module**, in a notebook: pass its weights through a `Tap`, nothing else changes",
    RECORD,
)
