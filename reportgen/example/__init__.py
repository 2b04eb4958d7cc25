"""The known-answer example: scenes drawn by code, two small checkpoints, and photographs to explain.

Nothing here imports torch except `reportgen.example.train`; this file only says what the classes are called and where
the shipped files lie.
"""

from pathlib import Path
from typing import Final

CLASSES: Final = ("checkered square", "plus", "ring", "star", "striped disc", "triangle")
"""The six classes in the order of the checkpoints' outputs: alphabetical, as ImageFolder trees are numbered."""

SHORTCUT_CLASS: Final = "star"
"""The class that the mark gives away in the scenes `shortcut.pth` was trained on."""

FOLDER: Final = Path(__file__).parent
HONEST: Final = FOLDER / "honest.pth"
SHORTCUT: Final = FOLDER / "shortcut.pth"
SCENES: Final = FOLDER / "scenes"
MARKED: Final = FOLDER / "marked"
PHOTOGRAPHS: Final = FOLDER / "photographs"
