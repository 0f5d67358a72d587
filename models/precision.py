"""Precision of the forward pass in a training: bfloat16 where the device computes in it, else float32."""

import torch


def has_bfloat16(device: str) -> bool:
    """Whether a device computes in bfloat16 at full speed.

    On a processor without it, oneDNN refuses an LSTM in bfloat16, and a GRU is twenty times slower.

    Args:
        device: "cpu", "cuda" and so on.
    """
    if device != "cpu" or not torch.backends.mkldnn.is_available():
        return True
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


def forward_in(precision: str, device: str) -> torch.autocast:
    """A context for the forward pass; the weights stay float32.

    Args:
        precision: "float32" or "bfloat16"; float32 is used where the device lacks bfloat16.
        device: As for `has_bfloat16`.
    """
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16" and has_bfloat16(device))
