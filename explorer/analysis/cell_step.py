"""One unit at one step: the contributions to each gate, and how much of the state was kept and written."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from explorer.errors import AnalysisError

# The gate that decides how much is kept, by kind of cell; a plain cell has none.
KEEPER = {"lstm": "forget", "gru": "update"}

# Functions of the output of an LSTM by name, of cells that differ from torch's.
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)) if a > -700 else 0.0,
    "relu": lambda a: max(a, 0.0),
    "linear": lambda a: a,
    "softsign": lambda a: a / (1 + abs(a)),
    "elu": lambda a: a if a > 0 else math.expm1(a),
    "selu": lambda a: 1.0507009873554805 * (a if a > 0 else 1.6732632423543772 * math.expm1(a)),
    "softplus": lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))),
    "silu": lambda a: a / (1 + math.exp(-a)) if a > -700 else 0.0,
    "gelu": lambda a: a * (1 + math.erf(a / math.sqrt(2))) / 2,
    "hard_sigmoid": lambda a: min(max(0.2 * a + 0.5, 0.0), 1.0),
    "hard_sigmoid_6": lambda a: min(max(a / 6 + 0.5, 0.0), 1.0),
}


@dataclass(frozen=True)
class Gate:
    """A gate of one unit at one step: its value, and the terms whose sum went through sigmoid or tanh.

    Args:
        name: "forget", "candidate" and so on, as in a Trace.
        from_input: Row of W times the input.
        from_state: Row of U times the previous state; in the candidate of a GRU with its bias, and times the reset gate.
        bias: Added to both.
        value: Value of the gate.
        function: Name of its function where it is another than sigmoid, or tanh for the candidate.
    """

    name: str
    from_input: float
    from_state: float
    bias: float
    value: float
    function: str = ""

    @property
    def inside(self) -> float:
        """Sum of the contributions inside the gate."""
        return self.from_input + self.from_state + self.bias


@dataclass(frozen=True)
class CellStep:
    """One unit at one step.

    Args:
        kind: "lstm", "gru", or "tanh".
        gates: In the order of torch's rows.
        before: Previous state: the cell state of an LSTM, else the hidden state.
        fed_back: GRU: row of U times the previous state plus its bias, before the reset gate; else 0.
        resets_before: GRU: whether the reset gates act on the state before the product, as in Cho et al., 2014, not after it.
        output: LSTM: the function of the cell in its output, one of FUNCTIONS.
    """

    kind: str
    gates: tuple[Gate, ...]
    before: float
    fed_back: float = 0.0
    resets_before: bool = False
    output: str = "tanh"

    def gate(self, name: str) -> Gate:
        """The gate with this name.

        Raises:
            AnalysisError: there is none.
        """
        for gate in self.gates:
            if gate.name == name:
                return gate
        raise AnalysisError(f"There is no {name} gate; this cell has {', '.join(gate.name for gate in self.gates)}.")

    def value(self, name: str) -> float:
        """The value of a gate."""
        return self.gate(name).value

    @property
    def kept(self) -> float:
        """Part of the previous state that is kept."""
        return self.value(KEEPER[self.kind]) * self.before if self.kind in KEEPER else 0.0

    @property
    def written(self) -> float:
        """Part that is added: i g in an LSTM, (1 - z) n in a GRU."""
        opening = {"lstm": lambda: self.value("input"), "gru": lambda: 1 - self.value("update")}.get(self.kind, lambda: 1.0)
        return opening() * self.value("candidate")

    @property
    def state(self) -> float:
        """State after the step: kept + written."""
        return self.kept + self.written

    @property
    def shown(self) -> float:
        """Output of the unit, which the other units read."""
        return self.value("output") * FUNCTIONS[self.output](self.state) if self.kind == "lstm" else self.state

    @property
    def mover(self) -> str:
        """What changed the state most at this step: the forget or update gate, or "candidate" for what was written.

        The change is (kept - before) + written; the larger term decides.
        """
        if self.kind not in KEEPER:
            return "candidate"
        return KEEPER[self.kind] if abs(self.kept - self.before) > abs(self.written) else "candidate"

    def held(self, name: str, value: float) -> "CellStep":
        """The same step with a gate held at a value; everything before the step is unchanged.

        Raises:
            AnalysisError: there is no such gate, or the value is not in 0..1.
        """
        self.gate(name)
        if not 0 <= value <= 1:
            raise AnalysisError(f"The {name} gate cannot be {value:g}; expected 0 to 1.")
        return replace(self, gates=tuple(replace(gate, value=value) if gate.name == name else gate for gate in self.gates))
