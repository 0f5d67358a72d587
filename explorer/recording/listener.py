"""What a recording hears while a module runs: every call of its recurrent modules and cells, and every value at its Taps."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from explorer.recording.autograd_edges import Edges, anchored, without_cudnn
from explorer.recording.calls import Call
from explorer.recording.cells import GATE_NAMES, STATES, is_cell
from explorer.recording.circumstances import CHECKPOINTED, NO_GRAPH, TRANSFORMED, is_checkpointed, is_recomputing, is_transformed
from explorer.recording.modules import RECURRENT, REVERSE, custom_cells, innermost, listened_to
from explorer.recording.taps import Heard, taps_of
from explorer.recording.used_weights import UnseenWeightsError, used_weights, watched
from explorer.tap import Tap

# Recordings open in this thread or task; a hook of another's recording stays silent here.
_open: ContextVar[tuple["Listener", ...]] = ContextVar("open recordings", default=())


def is_recording() -> bool:
    """Whether a recording is open in this thread or task."""
    return bool(_open.get())


# torch numbers its hooks with a counter that two threads may read at once: one hook would replace the other.
registering = threading.Lock()

# What a module with the name and the class of torch's own, but other arguments, results or weights, makes of a hook.
NOT_AS_TORCH = (AttributeError, KeyError, TypeError, ValueError, UnseenWeightsError)

# What a module that is no cell of the kind that it seems to be makes of the hook of a cell.
NOT_AS_A_CELL = (IndexError, RuntimeError, TypeError, ValueError)


class Listener:
    """Keeps what passes the recurrent modules, cells and Taps of a module while it listens.

    Every call is kept as a copy, so later changes of the model's outputs do not reach it.
    """

    def __init__(self, module: nn.Module, gradients: bool = False):
        self.cells = custom_cells(module)
        self.modules = listened_to(module, may_be_none=bool(self.cells))
        self.gradients, self.root = gradients, module
        self.edges: dict[str, list[Edges]] = {path: [] for path, part in self.modules.items() if isinstance(part, RECURRENT)}
        self.computed: dict[str, dict[str, Tensor]] = {path: {} for path in self.modules}  # weights that parametrisations gave last
        self._calls: dict[str, list[Call]] = {path: [] for path in self.edges}
        self._heard: dict[str, Heard] = {path: Heard(part) for path, part in self.modules.items() if isinstance(part, Tap)}
        self._without_graph: dict[str, str] = {}  # why a module had no graph, where it is not torch.no_grad()
        self._odd: dict[str, str] = {}  # why a call was not that of torch's own class
        self._refused: dict[str, str] = {}  # why nothing can be had of a module
        self._copied: set[str] = set()
        self._innermost: tuple[tuple[str, ...], tuple[str, ...]] = (), ()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what passes while the block runs; its hooks are removed at the end, even by an error."""
        handles = []
        try:
            with registering:
                for path, cell in self.cells.items():
                    handles.append(cell.module.register_forward_hook(self.cell_hook(path), with_kwargs=True, prepend=True))
                for path, part in self.modules.items():
                    # Before the user's own hooks, which may change what the module returned.
                    handles.append(part.register_forward_hook(self.hook(path), with_kwargs=True, prepend=True))
                    handles += watched(part, self.computed[path])
            _open.set((*_open.get(), self))
            with without_cudnn() if self.gradients else nullcontext():
                yield
        finally:
            _open.set(tuple(other for other in _open.get() if other is not self))
            with registering:
                for handle in handles:
                    handle.remove()

    def hook(self, path: str):
        """The forward hook of one module; silent outside the context in which this recording is open, and in copies."""

        # *rest: while another thread removes its hook, torch may call this without the keyword arguments.
        def hook(module: nn.Module, args: tuple, *rest):
            if self not in _open.get() or is_recomputing():
                return None
            if module is not self.modules[path]:  # a copy, as interventions make, brings its hooks along
                self._copied.add(path)
                return None
            kwargs = rest[0] if len(rest) == 2 else {}
            try:
                return self._hear(path, module, args, kwargs, rest[-1])
            except NOT_AS_TORCH as error:  # reported when a trace is taken, not inside the model's forward
                self._odd[path] = f"{type(error).__name__}: {error}"
            return None

        return hook

    def cell_hook(self, path: str):
        """The forward hook of a module that is, or may turn out to be, a cell of an unknown class."""

        def hook(module: nn.Module, args: tuple, *rest):
            if self not in _open.get() or module is not self.cells[path].module or is_recomputing():
                return None
            kwargs = rest[0] if len(rest) == 2 else {}
            if is_transformed(args, tuple(kwargs.values()), rest[-1]):
                return self._refuse(path, TRANSFORMED.format(path=path))
            self._look_for_graph(path)
            try:
                return self.cells[path].add(args, kwargs, rest[-1], self.gradients)
            except NOT_AS_A_CELL as error:  # reported when a trace is taken
                called = f"'{path}', of class {type(module).__name__}, was called in a way that a recording of cells does not know"
                why = f"{called} ({type(error).__name__}: {error}). Put Taps on the values that it computes instead."
                return self._refuse(path, why)

        return hook

    def _refuse(self, path: str, why: str) -> None:
        """Keep why a call of a cell could not be kept; a cell with a registered step is one all the same."""
        cell = self.cells[path]
        cell.refused, cell.is_cell = cell.refused or why, cell.is_cell or cell.step is not None

    def _look_for_graph(self, path: str) -> None:
        if self.gradients and not torch.is_grad_enabled() and is_checkpointed():
            self._without_graph[path] = CHECKPOINTED

    @property
    def weight_taps(self) -> dict[str, Heard]:
        """Taps named neither hidden, cell nor after a gate that received something, by path: attention weights, as a rule."""
        others = {path: heard for path, heard in self._heard.items() if heard.tap.name not in (*STATES, *GATE_NAMES)}
        return {path: heard for path, heard in others.items() if heard.values or heard.refused}

    @property
    def all_edges(self) -> list[Edges]:
        """Places in autograd's graph of everything that was recorded."""
        taps = [Edges(None, tuple(behind for _, behind in heard.edges)) for heard in self._heard.values()]
        return [edges for of_path in (*self.edges.values(), *(cell.edges for cell in self.cells.values()), taps) for edges in of_path]

    @property
    def known_cells(self) -> tuple[str, ...]:
        """Paths of the cells of unknown classes, without those that hold another."""
        known = tuple(path for path, cell in self.cells.items() if cell.is_cell)
        if known != self._innermost[0]:
            self._innermost = known, innermost(self.cells)
        return self._innermost[1]

    def no_graph(self, path: str) -> str:
        """The sentence for a module, a cell or Taps that ran without a graph: why."""
        name, taps = path.removesuffix(REVERSE), taps_of(self._heard, path)
        why = next((self._without_graph[at] for at in (name, *taps) if at in self._without_graph), NO_GRAPH)
        return why.format(what=f"The taps of '{path}'" if taps else f"'{name}'")

    def _hear(self, path: str, module: nn.Module, args: tuple, kwargs: dict, result):
        """Keep one call of a module or a Tap; what takes the place of its result, if anything does."""
        if is_transformed(args, tuple(kwargs.values()), result):
            self._refused[path] = TRANSFORMED.format(path=path)
            if path in self._heard:
                self._heard[path].refused = self._refused[path]
            return None
        self._look_for_graph(path)
        if path in self._heard:
            return self._heard[path].add(result, self.gradients)
        calls = self._calls[path]
        weights = used_weights(module, self.computed[path], calls[-1].weights if calls else None)
        calls.append(Call.heard(module, args, kwargs, result, weights))
        if not self.gradients:
            return None
        shown, edges = anchored(result, is_cell(module))
        self.edges[path].append(edges)
        return shown  # takes the place of the module's own
