"""Annotations of arrays by axes, as in `Float[np.ndarray, "time unit"]`: those of jaxtyping, or the bare array type without it.

jaxtyping checks shapes in the tests; nobody needs it to record a network.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, UInt8
else:
    try:
        from jaxtyping import Bool, Float, Int, UInt8
    except ImportError:

        class Bool:
            """Any array, whatever its axes."""

            def __class_getitem__(cls, array_and_axes: tuple[Any, str]) -> Any:
                return array_and_axes[0]

        Float = Int = UInt8 = Bool

__all__ = ["Bool", "Float", "Int", "UInt8"]
