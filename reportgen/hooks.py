"""Looking into a network while it runs: hooks that are always removed, and a forward pass that stops half way."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from torch import Tensor, nn


class _Reached(Exception):
    """Ends a forward pass: the layer asked for has run."""


@contextmanager
def captured(module: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Outputs of the named layers in a forward pass, in the order in which they ran.

    Tensors are copies: an in-place activation after the layer would overwrite what was seen. A layer that runs more
    than once, as a ReLU that a block uses twice, keeps its first output, at which `run_to` stops too.
    On leaving, hooks are removed and the outputs dropped.
    Raises AttributeError for a name that the module does not have.
    """
    seen: dict[str, Any] = {}

    def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:  # noqa: ANN401 - whatever the layer takes and gives
            if name not in seen:
                seen[name] = output.clone() if isinstance(output, Tensor) else output

        return hook

    with ExitStack() as stack:
        stack.callback(seen.clear)
        for name in layers:
            stack.callback(module.get_submodule(name).register_forward_hook(keep(name)).remove)
        yield seen


def run_to(module: nn.Module, layer: str, images: Tensor) -> tuple[Tensor, Tensor]:
    """What the layer takes and gives, (N, ...) each, with their graph; what lies behind the layer does not run.

    Raises AttributeError for an unknown name, ValueError where the layer is not reached or gives no tensor.
    """
    kept: list[Any] = []
    target = module.get_submodule(layer)

    def before(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        kept.append(inputs[0] if inputs else None)  # None where the layer is fed by keyword
        # The layer gets a copy: an in-place activation would otherwise overwrite what it takes.
        return (inputs[0].clone(), *inputs[1:]) if isinstance(kept[-1], Tensor) else inputs

    def after(_module: nn.Module, _inputs: Any, output: Any) -> None:  # noqa: ANN401 - whatever the layer gives
        kept.append(output)
        raise _Reached

    with ExitStack() as stack:
        stack.callback(target.register_forward_pre_hook(before).remove)
        stack.callback(target.register_forward_hook(after).remove)
        with suppress(_Reached):
            module(images)
    if len(kept) < 2 or not all(isinstance(value, Tensor) for value in kept[-2:]):
        raise ValueError(f"{layer} does not run on a tensor, or not at all")
    return kept[-2], kept[-1]
