"""A folder as transformers saves it: `config.json` beside `model.safetensors`. Offline, and none of its code is run.

transformers builds the network from the configuration alone; the weights pass the same gate as any other file. Newer
versions store them under other names than their networks have: then transformers puts them in, and nothing may be left
over or missing.
"""

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from reportgen.contracts import InputRecipe, Network, Weights
from reportgen.errors import ArchitectureError, CheckpointError
from reportgen.excerpts import listed, shortened
from reportgen.heads import Kind
from reportgen.shortages import raise_shortage
from reportgen.sources.metadata import numbers, sides
from reportgen.sources.zoo import imported, quietly

CONFIG: Final = "config.json"
PROCESSOR: Final = "preprocessor_config.json"
FILE: Final = "model.safetensors"
LARGEST_JSON: Final = 2**22  # bytes
LONGEST_NAME: Final = 200  # characters


def is_folder(path: Path) -> bool:
    """Whether the path is a folder with a configuration in it."""
    return path.is_dir() and (path / CONFIG).is_file()


def weights_file(folder: Path) -> Path:
    """The file of the weights. Raises CheckpointError where it is not there, or is split up."""
    if (folder / FILE).is_file():
        return folder / FILE
    split = (folder / f"{FILE}.index.json").is_file()
    why = f"there is no {FILE} in the folder" + (", only parts of it" if split else "")
    fix = "Save it again: model.save_pretrained(folder, max_shard_size='10GB')"
    raise CheckpointError("E-CKPT-FILE", str(folder), why, fix)


def accepts(arch: str | None) -> bool:  # noqa: ARG001 - as every source
    """Never by `--arch`: a folder is known by what lies in it."""
    return False


def build(
    weights: Weights,
    arch: str | None,
    announce: Callable[[str], None],  # noqa: ARG001 - as every source
) -> Network:
    """The network that the folder's configuration describes, before the weights are in it.

    arch: the folder.
    Raises ArchitectureError where transformers is missing, or the configuration is none of an image classifier.
    """
    folder = Path(arch or "")
    library = imported("transformers", "hf")
    try:
        with quietly():
            config = library.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            module = library.AutoModelForImageClassification.from_config(config, trust_remote_code=False)
            loaded = set(module.state_dict()) != set(weights.tensors)
            if loaded:
                module = _loaded(library, folder, weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as err:
        raise_shortage(err, weights.file)
        words = shortened(" ".join(str(err).split()), 160)
        why = f"transformers builds no image classifier from its {CONFIG}: {words}"
        fix = "Give a folder of an image classifier that needs no code of its own"
        raise ArchitectureError("E-ARCH-CONFIG", weights.file, why, fix) from err
    name, recipe = type(module).__name__, _recipe(folder, config)
    multi = getattr(config, "problem_type", None) == "multi_label_classification"
    head: Kind | None = "sigmoid" if multi else None
    return Network(module, name, (), recipe=recipe, classes=_classes(config), loaded=loaded, head=head)


def _loaded(library: Any, folder: Path, weights: Weights) -> Any:  # noqa: ANN401 - transformers' own kinds
    """The network with its weights in it. Raises ArchitectureError where they do not fit it wholly."""
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar of its own
        module, told = library.AutoModelForImageClassification.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, output_loading_info=True
        )
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if wrong := sorted(map(str, told.get(what) or ())):
            why = f"does not fit {type(module).__name__}: {len(wrong)} {what.replace('_', ' ')}: {listed(wrong)}"
            raise ArchitectureError("E-ARCH-MISMATCH", weights.file, why, "Save the folder again from the whole model")
    return module


def _classes(config: Any) -> tuple[str, ...]:  # noqa: ANN401 - transformers' own kind
    """Class names where the configuration names them, and not as LABEL_0."""
    names = getattr(config, "id2label", None)
    if not isinstance(names, Mapping) or sorted(names) != list(range(len(names))):
        return ()
    listed = [names[index] for index in range(len(names))]
    if not all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME for name in listed):
        return ()
    return () if all(name == f"LABEL_{index}" for index, name in enumerate(listed)) else tuple(listed)


def _recipe(folder: Path, config: Any) -> InputRecipe:  # noqa: ANN401 - transformers' own kind
    """How the folder says photographs are fed; only values that make sense are taken."""
    told = _json(folder / PROCESSOR)
    crop = told.get("crop_size") if told.get("do_center_crop") else None
    side = _side(crop or told.get("size")) or _side(getattr(config, "image_size", None))
    normalised = told.get("do_normalize", bool(told))
    mean, std = numbers(told.get("image_mean")), numbers(told.get("image_std"), least=1e-6)
    shorter = told.get("size")
    whole = shorter.get("shortest_edge") if isinstance(shorter, Mapping) else shorter
    share = side[0] / whole if side and type(whole) is int and whole >= side[0] else 1.0
    if told.get("crop_pct"):  # as ConvNeXT has it
        share = float(told["crop_pct"]) if 0 < float(told["crop_pct"]) <= 1 else 1.0
    cropped = crop is not None or type(whole) is int
    return InputRecipe(
        "config",
        size=side,
        channel_order="rgb" if told else None,
        mean=mean if normalised else (() if told else None),
        std=std if normalised else (() if told else None),
        resize=("crop" if cropped else "squash") if told else None,
        crop=share if cropped else 1.0,
    )


def _side(value: Any) -> tuple[int, int] | None:  # noqa: ANN401 - whatever was saved
    if isinstance(value, Mapping):
        square = value.get("shortest_edge")
        return sides([value.get("height", square), value.get("width", square)])
    return sides([value, value]) if type(value) is int else sides(value)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_bytes()[:LARGEST_JSON]
        told = json.loads(text)
    except (OSError, ValueError, RecursionError) as err:
        raise_shortage(err, str(path))
        return {}
    return told if isinstance(told, Mapping) else {}
