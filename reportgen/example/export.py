"""Writes the pictures that ship: `python -m reportgen.example.export --out DIR` (scenes/, marked/, photographs/).

Scenes are JPEG at quality 92 without chroma subsampling: as PNG one of them takes about 35 kB, and subsampling would
blend the two colours of the mark.
"""

import argparse
from importlib.resources import files
from pathlib import Path
from typing import Final

from PIL import Image

from reportgen.example import CLASSES, SHORTCUT_CLASS
from reportgen.example.scenes import Scene, fresh_scenes

SEED: Final = 2020
SCENES_PER_CLASS: Final = 2
MARKED_OF_THE_CLASS: Final = 4
PHOTOGRAPHS: Final = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
LONGER_SIDE: Final = 320  # px


def shipped_scenes() -> tuple[Scene, ...]:
    """Two unmarked scenes of each class."""
    return fresh_scenes(SEED, SCENES_PER_CLASS * len(CLASSES))


def shipped_marked_scenes() -> tuple[Scene, ...]:
    """Marked scenes: four of the class that the mark gives away, and one of each of three others."""
    shortcut = CLASSES.index(SHORTCUT_CLASS)
    own = fresh_scenes(SEED + 1, MARKED_OF_THE_CLASS, label=shortcut, marked=True)
    others = fresh_scenes(SEED + 2, shortcut, marked=True)
    return own + others


def write_scenes(folder: Path, scenes: tuple[Scene, ...]) -> tuple[Path, ...]:
    """One JPEG per scene as `folder/<class>/<n>.jpg`, n counting from 1 within its class; the paths in order."""
    paths: list[Path] = []
    for scene in scenes:
        own = folder / CLASSES[scene.label]
        own.mkdir(parents=True, exist_ok=True)
        paths.append(own / f"{1 + sum(path.parent == own for path in paths)}.jpg")
        Image.fromarray(scene.image).save(paths[-1], quality=92, subsampling=0, optimize=True)
    return tuple(paths)


def write_photographs(folder: Path) -> tuple[Path, ...]:
    """Four photographs of scikit-image's package, 320 px at their longer side, without metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in PHOTOGRAPHS:
        with files("skimage.data").joinpath(name).open("rb") as stream, Image.open(stream) as opened:
            photograph = opened.convert("RGB")
        photograph.thumbnail((LONGER_SIDE, LONGER_SIDE), Image.Resampling.LANCZOS)
        photograph.info.clear()  # a colour profile or a comment would otherwise be written along
        paths.append(folder / f"{Path(name).stem}.jpg")
        photograph.save(paths[-1], quality=88, optimize=True)
    return tuple(paths)


def main() -> None:
    """Write every picture into the folder asked for."""
    parser = argparse.ArgumentParser(description="Write the pictures of the known-answer example.")
    parser.add_argument("--out", type=Path, required=True, help="folder for scenes/, marked/ and photographs/")
    out: Path = parser.parse_args().out
    write_scenes(out / "scenes", shipped_scenes())
    write_scenes(out / "marked", shipped_marked_scenes())
    write_photographs(out / "photographs")


if __name__ == "__main__":
    main()
