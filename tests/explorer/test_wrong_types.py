"""What is of another type altogether: a sentence. In a process of its own, for under pytest types are checked before ours are."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import torch
from torch import nn
import explorer

def said(act):
    try:
        print(act())
    except explorer.ExplorerError as error:
        print(error)

def tapped():
    tap = explorer.Tap("cell")
    with explorer.record(tap):
        tap((torch.zeros(2), torch.zeros(2)))

def followed(loss_of):
    gru = nn.GRU(3, 4)
    with explorer.record(gru, gradients=True) as recording:
        out = gru(torch.randn(5, 3))[0]
    return explorer.gradient_flow(recording, loss_of(out), "abcde")

def attributed():
    gru = nn.GRU(3, 4)
    with explorer.record(gru) as recording:
        out = gru(torch.randn(5, 3))[0]
    return explorer.attribution(recording, out[-1, 0], "occlusion", "abcde")

def attended(**chosen):
    tap = explorer.Tap("attention", axes="batch head out in")
    with explorer.record(tap) as recording:
        tap(torch.full((1, 2, 3, 4), 0.25))
    return recording.alignment("abcd", "xyz", **chosen)

said(explorer.record(len).__enter__)
said(explorer.record(nn.LSTM).__enter__)
said(tapped)
said(lambda: followed(lambda out: out.sum().item()))
said(attributed)
said(lambda: attended(head=0, calls=0.0))
said(lambda: attended(head=0, calls="0"))
said(lambda: attended(head=0, calls=slice("0")))
said(lambda: attended(head=1.7))
"""
CHOICES = "the number of a call, counted from 0, a slice, a list of numbers, or one of recording.sequences()"
ADVICE = "expected a torch.nn.Module. Record a module that contains nn.RNN, nn.LSTM, nn.GRU, one of their cells, or a Tap."


def test_another_type_is_a_sentence():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        f"record was given a value of type builtin_function_or_method; {ADVICE}",
        f"record was given the class LSTM itself, not an instance of it; {ADVICE}",
        "Tap('cell') was given a tuple; expected one tensor. Give each part its own Tap.",
        "loss is of type float; expected a tensor with a gradient. Leave out item() and numpy().",
        "output is a Tensor; expected a function that runs the module again: output=lambda: module(x)[:, -1, 3].",
        f"calls is 0.0; expected {CHOICES}.",
        f"calls is '0'; expected {CHOICES}.",
        f"calls is slice(None, '0', None); expected {CHOICES}.",
        "head is 1.7; expected the number of a head, counted from 0, or 'mean'.",
    ], done.stderr
