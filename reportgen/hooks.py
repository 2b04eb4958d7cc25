"""Looking into a network while it runs: hooks that are always removed, and a forward pass that stops half way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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

    def look(seen: dict[str, Any], name: str, output: Any) -> None:  # noqa: ANN401 - whatever the layer gives
        seen[name] = output.clone() if isinstance(output, Tensor) else output

    with _first_outputs(module, layers, look) as seen:
        yield seen


@contextmanager
def traced(module: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """The tensors that the named layers give in one forward pass, as parts of its graph.

    The answer depends on them, so that its gradient with respect to each can be asked for. The network goes on with
    copies: an in-place activation after the layer would put another tensor in the place of what was seen. Of a layer
    that runs more than once the first output counts, as in `captured`; what is no tensor is left out.
    Raises AttributeError for a name that the module does not have.
    """

    def look(seen: dict[str, Any], name: str, output: Any) -> Tensor | None:  # noqa: ANN401 - whatever the layer gives
        if not isinstance(output, Tensor):
            return None  # the output stands
        seen[name] = output
        return output.clone()

    with _first_outputs(module, layers, look) as seen:
        yield seen


@contextmanager
def _first_outputs(
    module: nn.Module, layers: Sequence[str], look: Callable[[dict[str, Any], str, Any], Tensor | None]
) -> Iterator[dict[str, Any]]:
    """What `look` keeps of each layer's output, until it has kept one; what it returns takes the output's place."""
    seen: dict[str, Any] = {}

    def hook_of(name: str) -> Callable[[nn.Module, Any, Any], Tensor | None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> Tensor | None:  # noqa: ANN401 - whatever it takes and gives
            return None if name in seen else look(seen, name, output)

        return hook

    with ExitStack() as stack:
        stack.callback(seen.clear)
        for name in layers:
            stack.callback(module.get_submodule(name).register_forward_hook(hook_of(name)).remove)
        yield seen


@contextmanager
def replaced(module: nn.Module, layer: str, values: Mapping[int, float]) -> Iterator[None]:
    """While the block lasts, the layer gives these constants in place of these channels' maps.

    values: channel -> what it gives everywhere. Only where the layer first runs in a forward pass, for there `captured`
    looks, too. The layer's own output is not written to.
    Raises AttributeError for an unknown name; IndexError, in the forward pass, for a channel that it does not have.
    """
    done: list[bool] = []

    def start(_module: nn.Module, _inputs: Any) -> None:  # noqa: ANN401 - whatever the network takes
        done.clear()

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:  # noqa: ANN401 - whatever the layer gives
        if done:
            return None  # the output stands
        done.append(True)
        changed = output.clone()
        for channel, value in values.items():
            changed[:, channel] = value
        return changed

    with ExitStack() as stack:
        stack.callback(module.register_forward_pre_hook(start).remove)
        stack.callback(module.get_submodule(layer).register_forward_hook(hook).remove)
        yield


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
