"""What the numbers of a network's answer are: logits, or something that was squashed already; and of which head.

Found out by asking with noise, gentle and strong: a softmax gives rows that add up to 1 whatever comes in.
"""

from typing import Final

import torch
from torch import Tensor

from reportgen.classifier import answer_tensor
from reportgen.contracts import Network
from reportgen.heads import End, Head, Kind
from reportgen.options import BuildOptions
from reportgen.probing import asked, channels_taken
from reportgen.results import NO_FACTS, Facts

Notes = tuple[tuple[str, Facts], ...]

STRENGTHS: Final = (0.5, 1.0, 10.0)  # of the noise: what is a probability for every one of them was squashed
EXACT: Final = 1e-4  # how far a row of probabilities may be from adding up to 1
STEADY: Final = 1e-3  # relative change of an answer from one time to the next that rounding explains
SEED: Final = 1


def find_head(
    options: BuildOptions, network: Network, size: tuple[int, int], device: torch.device
) -> tuple[Head, Notes]:
    """The head by option, by the network's own configuration or by default, and what is to be told of it.

    Raises ArchitectureError where the network fails.
    """
    answers, steady = _answers(network, size, device)
    found = end_of(answers)
    kind, by = _kind(options, network)
    head = _single(found, kind, by) if answers.shape[1] == 1 else _several(found, kind, by)
    names = []
    if head.kind == "sigmoid":
        names.append(f"head_{kind}_{by}")
    elif answers.shape[1] == 1:
        names.append("head_single")
    if head.kind == "sigmoid" and found in ("softmax", "log_softmax"):
        names.append("head_opposed")
    elif head.ends != "logits":
        names.append(f"ends_{head.ends}")
    elif found == "sigmoid":
        names.append("ends_unsure")
    if not steady:
        names.append("unsteady")
    return head, tuple((f"note.{name}", NO_FACTS) for name in names)


def end_of(answers: Tensor) -> End:
    """What a network ends with, as its answers (N, K) show; one number for each image is never a softmax.

    Answers that are all the same, as those of weights that are all zero, show nothing.
    """
    rows = answers[answers.isfinite().all(1)].double()
    if not len(rows) or (rows == rows[0]).all():
        return "logits"
    if rows.shape[1] > 1 and (rows <= EXACT).all() and (rows.logsumexp(1).abs() < EXACT).all():
        return "log_softmax"
    if (rows < 0).any() or (rows > 1 + EXACT).any():
        return "logits"
    return "softmax" if rows.shape[1] > 1 and ((rows.sum(1) - 1).abs() < EXACT).all() else "sigmoid"


def _kind(options: BuildOptions, network: Network) -> tuple[Kind, str]:
    if options.head:
        return options.head, "option"
    return (network.head, "config") if network.head else ("softmax", "default")


def _several(found: End, kind: Kind, by: str) -> Head:
    """Of two outputs or more. Whether numbers in [0, 1] come from a sigmoid, only the user can be sure."""
    if kind == "sigmoid":
        return Head(kind, "sigmoid" if found in ("sigmoid", "softmax") else "logits", by)
    return Head(kind, "logits" if found == "sigmoid" else found, by)


def _single(found: End, kind: Kind, by: str) -> Head:
    """One output: yes against no, so both add up to 1 however the head is called."""
    return Head("softmax", found if kind == "sigmoid" else "logits", by)


def _answers(network: Network, size: tuple[int, int], device: torch.device) -> tuple[Tensor, bool]:
    """(N, K) numbers as the network gives them to noise, and whether it answers the same when asked again."""
    chance = torch.Generator().manual_seed(SEED)
    noise = [
        (strength * torch.randn(2, channels_taken(network.module), *size, generator=chance)).to(device)
        for strength in STRENGTHS
    ]
    answers = [answer_tensor(asked(network, images)).detach().float().cpu() for images in noise]
    again = answer_tensor(asked(network, noise[0])).detach().float().cpu()
    span = float(answers[0].nan_to_num(posinf=0, neginf=0).abs().max())
    steady = torch.allclose(again, answers[0], rtol=STEADY, atol=STEADY * span, equal_nan=True)
    return torch.cat(answers), steady
