"""A character LSTM whose wiring is known, because its weights are set by hand: a test of every claim about units.

One layer reads one-hot characters. The roles lie on units that a seed chooses, with signs of its own; all other units are noise that
the output does not read. What the network predicts follows from the roles alone, so that it is known which units are used for what,
and which characters wrote their states.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from models.char_lm.network import CharLM
from models.checkpoint import Loaded
from models.vocabulary.characters import UNKNOWN, Vocabulary

LETTERS = 'abcde ()"<>xy*#!'
ROLES = ("counter", "quote", "decoy", "twin 1", "twin 2", "star", "hash")
# What is known: the characters whose prediction rests on a role, the units that are used for it, and the characters that wrote them.
TRUTH = {
    ")": (("counter",), "()"),
    '"': (("quote",), '"'),
    "xy>": (("twin 1", "twin 2"), "<"),
    "!": (("star", "hash"), "*#"),
}
OPEN, ON = 30.0, 0.99  # inside a gate that is open, -30 inside one that is shut; the value of a switch that is on
LOGITS = {"(": -1.0, ")": -8.0, '"': -1.5, "<": -2.0, ">": -12.0, "x": -12.0, "y": -12.0, "*": -2.0, "#": -2.0, "!": -22.0}


@dataclass
class Wiring:
    """The weights of the network while they are set.

    Args:
        seed: Chooses the units of the roles, their signs, and the weights of the noise.
        units: Number of units.
    """

    seed: int
    units: int = 20
    role: dict[str, int] = field(init=False)
    sign: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.vocab = Vocabulary((UNKNOWN, *LETTERS))
        self.role = dict(zip(ROLES, map(int, self.rng.permutation(self.units)), strict=False))
        self.sign = {role: int(self.rng.choice((-1, 1))) for role in ROLES}
        size = len(self.vocab)
        self.inputs, self.back, self.bias = (np.zeros((4, self.units, *more)) for more in ((size,), (self.units,), ()))
        self.readout, self.logits = np.zeros((size, self.units)), np.zeros(size)
        self.bias[:] = np.array([-OPEN, OPEN, 0.0, OPEN])[:, None]  # nothing is written, everything is kept and shown

    def column(self, letter: str) -> int:
        """The number of a character."""
        return self.vocab.tokens.index(letter)

    def add(self, role: str, letter: str, amount: float) -> None:
        """A character adds an amount to the cell of a role."""
        unit, column = self.role[role], self.column(letter)
        self.inputs[0, unit, column] = 2 * OPEN
        self.inputs[2, unit, column] = self.sign[role] * math.atanh(amount)

    def put(self, role: str, letter: str, amount: float) -> None:
        """A character sets the cell of a role to an amount."""
        self.add(role, letter, amount)
        self.inputs[1, self.role[role], self.column(letter)] = -2 * OPEN

    def toggle(self, role: str, letter: str) -> None:
        """A character switches a role on if it is off, and off if it is on."""
        self.put(role, letter, 0.0)
        unit, shown = self.role[role], math.tanh(math.tanh(5.0))
        self.inputs[2, unit, self.column(letter)] = 5.0 * self.sign[role]
        self.back[2, unit, unit] = -5.0 / shown

    def read(self, role: str, letters: str, weight: float) -> None:
        """The output adds to the logit of some characters while a role is on."""
        for letter in letters:
            self.readout[self.column(letter), self.role[role]] = weight * self.sign[role]

    def noise(self, unit: int) -> None:
        """A unit that forgets at a rate of its own and writes at random."""
        self.bias[0, unit], self.bias[1, unit] = self.rng.normal(0, 1), self.rng.uniform(0, 3)
        self.inputs[:3, unit] = self.rng.normal(0, 1.5, (3, len(self.vocab)))


def wired(seed: int, units: int = 20) -> Wiring:
    """All roles and the noise.

    - counter: adds .5 at "(" and takes .5 at ")"; while it is above 0, ")" is likely.
    - decoy: does the same, and nothing reads it.
    - quote: on between quotation marks; there a second mark is likely.
    - twin 1, twin 2: both on between "<" and ">"; there "x", "y" and ">" follow. One of them is enough.
    - star, hash: on after "*" and after "#". Where both are on, "!" follows and switches them off; one alone changes nothing.
    """
    wiring = Wiring(seed, units)
    for letter, logit in LOGITS.items():
        wiring.logits[wiring.column(letter)] = logit
    wiring.logits[0] = -20.0
    for role, amount in {"counter": 0.5, "decoy": 0.4}.items():
        wiring.add(role, "(", amount)
        wiring.add(role, ")", -amount)
    wiring.toggle("quote", '"')
    for role, begin, end in (("twin 1", "<", ">"), ("twin 2", "<", ">"), ("star", "*", "!"), ("hash", "#", "!")):
        wiring.put(role, begin, ON)
        wiring.put(role, end, 0.0)
    wiring.read("counter", ")", 18.0)
    wiring.read("counter", "(", -4.0)
    wiring.read("quote", '"', 4.0)
    for twin in ("twin 1", "twin 2"):
        wiring.read(twin, "xy>", 30.0)
    for flag in ("star", "hash"):
        wiring.read(flag, "!", 20.0)
    for unit in sorted(set(range(units)) - set(wiring.role.values())):
        wiring.noise(unit)
    return wiring


def glass_box(seed: int = 0, units: int = 20) -> tuple[Loaded, Wiring]:
    """The network and its wiring."""
    wiring = wired(seed, units)
    arguments = {"vocab_size": len(wiring.vocab), "cell": "lstm", "layers": 1, "units": units, "embedding": 0, "dropout": 0.0}
    module = CharLM(**arguments)
    values = {
        "rnn.weight_ih_l0": wiring.inputs.reshape(4 * units, -1),
        "rnn.weight_hh_l0": wiring.back.reshape(4 * units, -1),
        "rnn.bias_ih_l0": wiring.bias.reshape(-1),
        "rnn.bias_hh_l0": np.zeros(4 * units),
        "readout.weight": wiring.readout,
        "readout.bias": wiring.logits,
    }
    module.load_state_dict({name: torch.tensor(array, dtype=torch.float32) for name, array in values.items()})
    card = {"kind": "char_lm", "arguments": arguments, "vocabulary": list(wiring.vocab.tokens), "data": {"corpus": "glass-box"}}
    return Loaded("glass-box", module.eval().requires_grad_(False), wiring.vocab, card), wiring


def written_text(loaded: Loaded, length: int, seed: int = 0) -> str:
    """Text that the network writes, each character drawn from its prediction."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    state, ids = None, [loaded.vocab.tokens.index("a")]
    with torch.inference_mode():
        while len(ids) < length:
            logits, state = loaded.module(torch.tensor([[ids[-1]]]), state)
            ids.append(int(torch.multinomial(logits[0, -1].softmax(-1), 1, generator=generator)))
    return "".join(loaded.vocab.tokens[one] for one in ids)


def tracks(text: str) -> dict[str, np.ndarray]:
    """What someone who reads along knows, for each kind of prediction in `TRUTH`: 1 where it is called for after a character, [time]."""
    signs = {letter: np.array([one == letter for one in text]) for letter in LETTERS}
    depth = np.cumsum(signs["("].astype(int) - signs[")"])
    return {
        ")": (depth > 0).astype(np.float32),
        '"': (np.cumsum(signs['"']) % 2).astype(np.float32),
        "xy>": _on(signs["<"], signs[">"]),
        "!": _on(signs["*"], signs["!"]) * _on(signs["#"], signs["!"]),
    }


def _on(begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """1 from each beginning up to the next end, [time]."""
    steps = np.arange(len(begins))
    last = [np.maximum.accumulate(np.where(marks, steps, -1)) for marks in (begins, ends)]
    return (last[0] > last[1]).astype(np.float32)


def units_of(wiring: Wiring, roles: Sequence[str]) -> set[int]:
    """The units of some roles."""
    return {wiring.role[role] for role in roles}
