"""Every setting with its default, range and unit, in one place. `settings` says where they come from."""

import difflib
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from reportgen.accepted import ClassText, Paths, against_a_target
from reportgen.languages import Language, known_language

Format = Literal["html", "pdf", "json", "junit", "markdown", "badge"]
Preset = Literal["default", "strict"]
Method = Literal[
    "saliency", "smoothgrad", "input_x_gradient", "integrated_gradients", "gradcam", "guided_backprop", "occlusion",
    "filters", "lime",
]  # fmt: skip
Checks = Literal["none", "quick", "full"]
FORMATS: tuple[Format, ...] = ("html", "pdf", "json")
CHECK_FORMATS: tuple[Format, ...] = ("junit", "markdown", "badge")
PRESETS: tuple[Preset, ...] = ("default", "strict")
METHODS: tuple[Method, ...] = get_args(Method)  # in the order of the report
TASKS: tuple[Method, ...] = ("saliency", "filters", "lime")  # of homework 5
DEFAULT_METHODS: tuple[Method, ...] = ("saliency", "integrated_gradients", "gradcam", "filters", "lime")
HW5_INDICES = (1, 2, 47, 98)
HW5_LAYER = 15
HW5_FILTER = 0
DEFAULT_LIMIT = 12
HEX = r"^(#[0-9a-fA-F]{6})?$"
GPU_BATCH, CPU_BATCH = 64, 16  # a CPU is faster where its caches hold the batch

# These run code or name the subject of this very run, so no file and no environment variable may set them.
COMMAND_LINE_ONLY = frozenset({"model", "arch"})
# What says how the model is read and fed.
MODEL_SETTINGS = (
    "model", "arch", "size", "mean", "std", "channel_order", "resize", "state_key", "images", "reference_images",
    "device",
)  # fmt: skip
# What a finished report can be written again with.
RENDER_SETTINGS = (
    "formats", "lang", "templates", "css", "font", "notes", "require_notes", "budget", "max_pdf_mb", "pdf_timeout",
    "strict", "overwrite", "pdf_images", "pdf_full", "paper", "accent", "logo",
)  # fmt: skip
_FLAGS = {"formats": "--format", "layers": "--layer", "lime_once": "--once"}


def _known_methods(names: Any) -> Any:  # noqa: ANN401 - whatever was given
    """Tell the nearest name of one that is none."""
    for name in names if isinstance(names, list | tuple) else ():
        if name not in METHODS:
            near = difflib.get_close_matches(str(name), METHODS, n=1)
            hint = f"did you mean {near[0]}" if near else f"there are {', '.join(METHODS)}"
            raise ValueError(f"no method is called {name}; {hint}")
    return names


def _setting(default: Any, panel: str, text: str, **limits: Any) -> Any:  # noqa: ANN401 - as pydantic's Field
    """A field of BuildOptions. panel, text: where and how --help shows it."""
    return Field(default, description=text, json_schema_extra={"panel": panel}, **limits)


class BuildOptions(BaseModel):
    """What `reportgen build` was asked to do."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Path = _setting(
        ..., "Model", "Checkpoint with a state_dict: .pth, .safetensors, or a folder that transformers saved."
    )
    arch: str | None = _setting(
        None,
        "Model",
        "food11, torchvision:NAME, timm:NAME, or file.py:Class (runs that file); otherwise read off the weights.",
    )
    size: tuple[int, int] | None = _setting(
        None, "Model", "Height and width the network is fed: 128 or 128x96; otherwise as the weights fix it."
    )
    mean: tuple[float, ...] = _setting((), "Model", "Mean per channel, in the order fed, for pixels in [0, 1].")
    std: tuple[Annotated[float, Field(gt=0)], ...] = _setting(
        (), "Model", "Standard deviation per channel, in the order fed."
    )
    channel_order: Literal["rgb", "bgr"] | None = _setting(
        None, "Model", "Order of the channels fed: rgb or bgr; otherwise as the batch-norms say, else rgb."
    )
    resize: Literal["squash", "crop"] | None = _setting(
        None, "Model", "squash to the size, or crop: keep the shape and take the middle (of 256 pixels 224)."
    )
    head: Literal["softmax", "sigmoid"] | None = _setting(
        None, "Model", "softmax: classes exclude each other; sigmoid: several may hold. Otherwise as found, or softmax."
    )
    state_key: str | None = _setting(None, "Model", "Key of the weights, where a checkpoint holds several sets.")
    classes: Path | None = _setting(None, "Model", "Class names, one per line in index order.")

    images: Paths = _setting(
        (), "Images", "Files, folders, ImageFolder trees; otherwise images/ or food-11/ here, else shipped ones."
    )
    reference_images: Paths = _setting(
        (),
        "Images",
        "More photographs, not explained: for how the network was fed, and for crops that excite filters.",
    )
    labels: Path | None = _setting(None, "Images", "CSV or JSON: file name, class index or name.")
    masks: Path | None = _setting(
        None, "Images", "Where the object is: a folder of PNG masks or YOLO files named as the images, or COCO's JSON."
    )
    indices: tuple[Annotated[int, Field(ge=0)], ...] = _setting(
        (), "Images", "Positions in the sorted list, from 0: 1,2,47,98."
    )
    limit: int | None = _setting(None, "Images", f"At most so many; {DEFAULT_LIMIT} when nothing was chosen.", ge=1)
    pick: Literal["first", "per-class", "wrong", "unsure"] = _setting(
        "first", "Images", "Which to take: first, per-class, wrong or unsure."
    )

    methods: Annotated[tuple[Method, ...], BeforeValidator(_known_methods)] = _setting(
        DEFAULT_METHODS,
        "Explanations",
        f"Of {', '.join(METHODS)}, separated by commas; with --profile hw5 otherwise its three tasks.",
        min_length=1,
    )
    target: ClassText = _setting(
        None, "Explanations", "Class to explain on every image, by index or name; otherwise the predicted one."
    )
    versus: Annotated[ClassText, AfterValidator(against_a_target)] = _setting(
        None, "Explanations", "Class that --target is held against: why the one rather than the other."
    )
    profile: Literal["default", "hw5"] = _setting(
        "default", "Explanations", "hw5 adds the homework's figures as in the write-up, beside the corrected ones."
    )
    layers: tuple[str, ...] = _setting(
        (), "Explanations", "Layer to visualise, such as cnn.15 (may be repeated); otherwise one per resolution stage."
    )
    filters: tuple[Annotated[int, Field(ge=0)], ...] = _setting(
        (), "Explanations", "Filters of those layers: 0,5; otherwise those the answers need most."
    )
    filters_top: int = _setting(2, "Explanations", "Filters per layer where none is named.", ge=1, le=64)
    filter_images: int = _setting(3, "Explanations", "Images made for a filter, each unlike those before.", ge=1, le=8)
    filter_steps: int = _setting(64, "Explanations", "Steps of gradient ascent.", ge=1, le=10_000)
    lime_samples: int = _setting(
        1024,
        "Explanations",
        "Perturbed images per explanation at most; sampling stops once it is settled.",
        ge=2,
        le=1_000_000,
    )
    lime_sampling: Literal["designed", "random"] = _setting(
        "designed",
        "Explanations",
        "Masks of an orthogonal design, or lime's own random ones, as many as --lime-samples.",
    )
    lime_once: bool = _setting(
        False, "Explanations", "Do not ask LIME again with a second fill and a second segmentation."
    )
    segmentation: Literal["slic", "quickshift", "felzenszwalb", "grid"] = _setting(
        "slic", "Explanations", "How superpixels are found: slic, quickshift, felzenszwalb or grid."
    )
    lime_segments: int = _setting(50, "Explanations", "Superpixels asked for.", ge=2, le=10_000)
    lime_compactness: float = _setting(20.0, "Explanations", "Compactness of SLIC's superpixels.", gt=0, le=1e4)
    lime_fill: Literal["mean", "blur", "segment", "black"] = _setting(
        "mean",
        "Explanations",
        "What a hidden superpixel shows: mean (of the image), blur, segment (its own mean) or black.",
    )
    lime_fill_image: Path | None = _setting(None, "Explanations", "Hidden superpixels show this image instead.")

    checks: Checks = _setting(
        "quick", "Explanations", "How far each picture can be believed: none, quick, or full (slower)."
    )

    self_test: bool = _setting(True, "Explanations", "Test this installation on known answers, once per version.")

    out: Path = _setting(Path("report"), "Report", "Folder of the report.")
    formats: tuple[Format, ...] = _setting(
        FORMATS, "Report", "Files to write, separated by commas; of a check also junit, markdown, badge.", min_length=1
    )
    lang: Annotated[Language, BeforeValidator(known_language)] = _setting(
        "en", "Report", "Language of the report: en, zh-Hant or zh-Hans."
    )
    title: str = _setting("", "Report", "Title of the report.", max_length=200)
    author: str = _setting("", "Report", "Author, for the title block and the running head.", max_length=200)
    student_id: str = _setting("", "Report", "Student number, for the title block.", max_length=100)
    templates: Path | None = _setting(None, "Report", "Folder with templates that replace or extend built-in ones.")
    css: Path | None = _setting(None, "Report", "Style sheet added last.")
    font: Path | None = _setting(
        None, "Report", "Font file (.ttf, .otf, .woff, .woff2) for the PDF; the HTML uses it where it is installed."
    )
    notes: Path | dict[str, str] | None = _setting(
        None,
        "Report",
        "Your own words, Markdown below headings such as # LIME; otherwise notes.md, if there is one.",
    )
    require_notes: bool = _setting(False, "Report", "A task without your own answer is an error (exit code 1).")
    budget: float = _setting(25.0, "Report", "Largest report.html in MB; pictures give way.", ge=0.01, le=10_000)
    max_pdf_mb: float = _setting(10.0, "Report", "Largest report.pdf in MB; pictures give way.", ge=0.01, le=10_000)
    pdf_images: int = _setting(100, "Report", "Most images with pictures in the PDF: the worst.", ge=1, le=10_000)
    pdf_full: int = _setting(
        12,
        "Report",
        "The worst of them, with all figures and sentences; the others in brief.",
        ge=0,
        le=10_000,
    )
    paper: Literal["a4", "letter"] = _setting("a4", "Report", "Page of report.pdf: a4 or letter.")
    accent: str = _setting("", "Report", "Accent colour that can be read on white: #7a1f5c.", pattern=HEX)
    logo: Path | None = _setting(None, "Report", "PNG or JPEG for the title; an SVG could run code and is refused.")
    pdf_timeout: int = _setting(300, "Report", "Seconds that drawing the PDF may take.", ge=1, le=86_400)
    max_failed: int = _setting(
        0, "Report", "So many images, methods and filters may fail before the exit code is 1.", ge=0, le=1_000_000
    )
    strict: bool = _setting(False, "Report", "Warnings, and pictures that show nothing, are errors (exit code 1).")
    overwrite: bool = _setting(False, "Report", "Write into a folder that holds other files.")
    rules: Path | None = _setting(None, "Rules", "Check the report by this file (rules.toml); exit code 1 if it fails.")
    preset: Preset | None = _setting(None, "Rules", "Rules without a file, or below it: default or strict.")

    device: str = _setting("auto", "Run", "auto, cpu, cuda or cuda:N.", pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$")
    precision: Literal["auto", "fp32", "bf16", "tf32"] = _setting(
        "auto", "Run", "Of LIME's forward passes: fp32, bf16, tf32; auto: bf16 where the device has it and it is near."
    )
    batch_size: int | None = _setting(
        None, "Run", f"Images in one forward pass; {GPU_BATCH} on a GPU, {CPU_BATCH} on a CPU.", ge=1, le=4096
    )
    store: bool = _setting(True, "Run", "Keep finished results, and take those that were made before.")
    store_mb: float = _setting(
        2000.0, "Run", "Largest size of all kept results in MB; those used longest ago go.", ge=0, le=1e6
    )
    dry_run: bool = _setting(False, "Run", "Say what would be computed, and how much of it; compute nothing.")
    max_seconds: float | None = _setting(None, "Run", "Begin no new work after so many seconds.", gt=0, le=1e7)
    seed: int = _setting(16, "Run", "Seed of every random number.", ge=0, le=2**32 - 1)

    @field_validator("mean", "std", "indices", "filters", "formats", "methods", "layers", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:  # noqa: ANN401 - whatever was given
        """Accept "1,2,47" from the command line and the environment."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _tasks_of_the_homework(cls, given: Any) -> Any:  # noqa: ANN401 - whatever was given
        if isinstance(given, dict) and given.get("profile") == "hw5":
            return {"methods": TASKS, **given}
        return given

    @field_validator("size", mode="before")
    @classmethod
    def _height_and_width(cls, value: Any) -> Any:  # noqa: ANN401 - whatever was given
        """Accept 128, "128" and "128x96" (height x width)."""
        parts = value.lower().split("x") if isinstance(value, str) else value
        if isinstance(value, str) and not all(part.strip().isdecimal() for part in parts):
            raise ValueError("a size is 128, or height x width as 128x96")
        parts = (parts,) if isinstance(parts, int) else parts
        return tuple(parts) * 2 if isinstance(parts, list | tuple) and len(parts) == 1 else parts

    @field_validator("size")
    @classmethod
    def _sensible_size(cls, size: tuple[int, int] | None) -> tuple[int, int] | None:
        if size is not None and not all(8 <= side <= 2048 for side in size):
            raise ValueError("each side must be from 8 to 2048 pixels")
        return size

    @field_validator("mean", "std")
    @classmethod
    def _one_per_channel(cls, numbers: tuple[float, ...]) -> tuple[float, ...]:
        if len(numbers) not in (0, 1, 3):
            raise ValueError("1 or 3 numbers are needed")
        return numbers

    @field_validator("formats", "methods")
    @classmethod
    def _once_each(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if names and set(names) <= set(CHECK_FORMATS):
            raise ValueError(f"one of {', '.join(FORMATS)} is needed beside what a check writes")
        return tuple(dict.fromkeys(names))

    @field_validator("title", "author", "student_id")
    @classmethod
    def _writable_text(cls, text: str) -> str:
        """Refuse what the command line could not decode: no file of the report could hold it."""
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
            raise ValueError("line breaks, control characters and bytes that are not UTF-8 cannot be set")
        return text

    @property
    def chose_images(self) -> bool:
        """Whether the user said which images to take."""
        return bool(self.indices) or self.limit is not None or self.pick != "first"


def flag(key: str) -> str:
    """The command-line option of a setting."""
    return _FLAGS.get(key, f"--{key.replace('_', '-')}")
