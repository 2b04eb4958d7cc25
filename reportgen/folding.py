"""Batch-norms in evaluation mode are affine: each can be folded into the convolution before it.

By torch's own trace and arithmetic. `torch.fx.experimental.optimization.fuse` does the same, but folds a convolution
that is called twice into both of its batch-norms, and cannot be imported without torch's deprecated TorchScript.
"""

from collections import Counter
from typing import Any

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

PAIRS = ((nn.Conv1d, nn.BatchNorm1d), (nn.Conv2d, nn.BatchNorm2d), (nn.Conv3d, nn.BatchNorm3d))


def folded(module: nn.Module) -> fx.GraphModule:
    """The network as torch.fx follows it, without the batch-norms that could be folded; `module` stays as it is.

    All other layers are shared with it. Raises whatever the network's forward raises where it is not followed.
    """
    traced = fx.symbolic_trace(module)
    calls = Counter(node.target for node in traced.graph.nodes if node.op == "call_module")
    for node in list(traced.graph.nodes):
        before = _convolution_before(node, traced, calls)
        if before is None:
            continue
        conv, norm = (traced.get_submodule(str(each.target)) for each in (before, node))
        traced.set_submodule(str(before.target), fuse_conv_bn_eval(conv, norm))  # type: ignore[arg-type, type-var]
        node.replace_all_uses_with(before)
        traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def batch_norms(module: nn.Module) -> int:
    """How many batch-norms of any kind the network has."""
    return sum(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules())


def _convolution_before(node: fx.Node, traced: fx.GraphModule, calls: Counter[Any]) -> fx.Node | None:
    """The convolution whose output this batch-norm alone takes, both called once; None where it is not so."""
    before = node.args[0] if node.op == "call_module" and len(node.args) == 1 else None
    if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
        return None
    if calls[before.target] > 1 or calls[node.target] > 1:
        return None
    conv, norm = traced.get_submodule(str(before.target)), traced.get_submodule(str(node.target))
    paired = (type(conv), type(norm)) in PAIRS  # a subclass may do something else
    return before if paired and not norm.training and getattr(norm, "running_mean", None) is not None else None
