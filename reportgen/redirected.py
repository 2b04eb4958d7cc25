"""A gradient for filters that are silent: activations that give nothing let it through as if they were not there.

Source: Lucid's redirected ReLU. Here it is the graph of one forward pass that is changed, so that functional
activations, residual blocks and poolings behind an activation are met, too, and the network is not touched.
"""

from typing import Any

from torch import Tensor

# Activations that can be flat over a whole map, as autograd names them: silent, or full as ReLU6 is at 6.
# No sigmoid, which also stands for gates.
FLAT = ("Relu", "Hardtanh", "Clamp", "Threshold", "Hardswish", "Gelu", "Silu", "Elu", "Mish", "Softplus", "Tanh")
# Behind these the channels are others: whether what feeds them is silent is not the filter's own matter.
MIXING = ("Convolution", "Addmm", "Mm", "Bmm")


def redirect(output: Tensor) -> None:
    """Let the gradient pass unchanged through the activations nearest to a layer's output, on each way back."""
    for node in flat_nodes(output):
        node.register_hook(lambda _inputs, outputs: outputs)


def flat_nodes(output: Tensor) -> list[Any]:
    """The nodes of these activations in the output's graph."""
    found, seen, left = [], set(), [output.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name().startswith(FLAT) and len(node.next_functions) == 1:
            found.append(node)
        elif not node.name().startswith(MIXING):
            left += [earlier for earlier, _ in node.next_functions]
    return found
