"""A visitor's own captioner: a checkpoint to open, and code that records the attention of any PyTorch module over a picture."""

from pages._captions import state
from pages._ui.own_model import TAPPED, OwnModel

SAVE = """from models import checkpoint
from models.scenes import FAMILY, SceneCaptioner
from models.vocabulary.words import Words

words = Words.learn(["a red circle", "a blue star left of a ring"], 1)  # from your own captions
arguments = {"vocab_size": len(words), "attention": "soft", "units": 32, "embedding": 16, "width": 16}
module = SceneCaptioner(**arguments)  # load your weights into it
card = {"kind": FAMILY.kind, "arguments": arguments} | words.card()
checkpoint.save(module, card, "mine.safetensors")
"""
RECORD = TAPPED.format(
    imports="import numpy as np\nimport torch\nimport explorer\nfrom explorer.figures.export import to_html\n"
    "from explorer.figures.image_attention import Seen, multiples",
    memory="regions",
    count=49,
    after="""weights = recording.alignment([str(cell) for cell in range(49)], ("a", "dog")).weights
picture = np.zeros((200, 300, 3), np.uint8)  # your own, of any shape
print(weights.shape)  # word, region
Path("attention.html").write_text(to_html(multiples(Seen(picture, ("a", "dog"), weights, (7, 7)), ["", ""])))""",
)
OWN = OwnModel(
    state.PAGE,
    state.EMITS,
    state.anew,
    "**A captioner with your weights**, saved as a file for this page",
    SAVE,
    "**The attention of any PyTorch module**, in a notebook: pass its weights through a `Tap`, nothing else changes",
    RECORD,
)
