"""A folder as transformers saves it: `config.json` beside the weights. Offline, and none of its code is run.

transformers builds the network from the configuration alone; the weights pass the same gate as any other file. Many
are stored under other names than the network has: then transformers puts in what was read here, and nothing may be left
over or missing.
"""

import contextlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError, CheckpointError
from reportgen.excerpts import listed, path_text, shortened
from reportgen.heads import Kind
from reportgen.shortages import raise_shortage
from reportgen.sources import hf_processor, timm_name
from reportgen.sources.zoo import imported, quietly

CONFIG: Final = "config.json"
FILES: Final = ("model.safetensors", "pytorch_model.bin")
ADAPTER: Final = "adapter_config.json"
MOST_NAMED: Final = 3
LONGEST_NAME: Final = 200  # characters


def is_folder(path: Path) -> bool:
    """Whether the path is a folder with a configuration in it."""
    return path.is_dir() and (path / CONFIG).is_file()


def weights_file(folder: Path) -> Path:
    """The file of the weights. Raises CheckpointError where it is not there, or is split up."""
    for file in FILES:
        if (folder / file).is_file():
            return folder / file
    split = any((folder / f"{file}.index.json").is_file() for file in FILES)
    why = f"there is no {FILES[0]} in the folder" + (", only parts of it" if split else "")
    fix = "Save it again: model.save_pretrained(folder, max_shard_size='10GB')"
    raise CheckpointError("E-CKPT-FILE", str(folder), why, fix)


def no_model_in(folder: Path) -> CheckpointError:
    """The error for a folder that is none of transformers, in words for what lies in it."""
    within = sorted(each.parent.name for each in folder.glob(f"*/{CONFIG}"))
    if (folder / ADAPTER).is_file():
        why = "this folder holds an adapter, which is a part of a model only"
        fix = "Merge it and save the whole: model.merge_and_unload().save_pretrained(folder)"
    elif within:
        why = f"the models lie in folders inside this one ({listed(within[-MOST_NAMED:])})"
        fix = f"Give one of them: {path_text(folder / within[-1])}"
    elif file := next((file for file in FILES if (folder / file).is_file()), None):
        why = f"this folder holds {file}, and no {CONFIG} that says of which network"
        fix = f"Put its {CONFIG} beside it, or give the file with --arch"
    else:
        why, fix = "this is a folder, not a checkpoint", "Give the file inside it that holds the weights"
    return CheckpointError("E-CKPT-FILE", path_text(folder), why, fix)


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
                module = _loaded(type(module), config, weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as err:
        raise_shortage(err, weights.file)
        words = shortened(" ".join(str(err).split()), 160)
        why = f"transformers builds no image classifier from its {CONFIG}: {words}"
        fix = "Give a folder of an image classifier that needs no code of its own"
        raise ArchitectureError("E-ARCH-CONFIG", weights.file, why, fix) from err
    name, recipe = type(module).__name__, hf_processor.recipe_of(folder, getattr(config, "image_size", None))
    if isinstance(told := getattr(config, "pretrained_cfg", None), Mapping):  # a network of timm within
        recipe = timm_name.recipe_of(told)
    multi = getattr(config, "problem_type", None) == "multi_label_classification"
    head: Kind | None = "sigmoid" if multi else None
    return Network(module, name, (), recipe=recipe, classes=_classes(config), loaded=loaded, head=head)


def _loaded(kind: Any, config: Any, weights: Weights) -> Any:  # noqa: ANN401 - transformers' own kinds
    """The network with its weights in it. Raises ArchitectureError where they do not fit it wholly."""
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar of its own
        module, told = kind.from_pretrained(
            None, config=config, state_dict=dict(weights.tensors), local_files_only=True, output_loading_info=True
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
