"""What one step of filter visualisation costs, in floating-point operations: the same on every machine."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench import course
from bench.ours import course_options, opened
from bench.scenes import photographs, scenes
from bench.targets import Target
from bench.writeup import WriteUp
from reportgen.ascent import Ascent, synthesise, window_of
from reportgen.palette import palette
from reportgen.receptive import survey

FILTERS: Final = 16  # that climb in one batch
PHOTOGRAPHS: Final = 4  # that the write-up optimises, of which it prints one
STEPS: Final = (2, 4)  # ours are told from what is done once


def of_a_step(narrower: int) -> Target:
    """Our step for one filter's image as a share of the write-up's."""
    device = torch.device("cpu")
    network = course.course_network(narrower, device)
    theirs = WriteUp(network, device, photographs(scenes(PHOTOGRAPHS)))
    one, two = (_counted(partial(theirs.filters, steps)) for steps in (1, 2))
    norm = network.cnn[course.LAYER - 1]
    if not isinstance(norm, nn.BatchNorm2d):
        raise TypeError(f"no batch-norm before layer {course.LAYER} of the course's network")
    filters = min(FILTERS, norm.num_features)  # of a narrow network all
    few, many = (_counted(partial(_climb, network, filters, steps)) for steps in STEPS)
    ours = (many - few) / (STEPS[1] - STEPS[0]) / filters
    share = 100 * ours / (two - one)
    return Target("floating-point operations of a filter's step, of the write-up's", 10, 5, share, "%")


def _climb(network: course.Classifier, filters: int, steps: int) -> None:
    """So many filters of the write-up's layer together, each with one image."""
    options = course_options(scenes(1), "cpu")
    with opened(options, network) as (classifier, cases):
        name = f"cnn.{course.LAYER}"
        (layer,) = (each for each in survey(classifier) if each.name == name)
        if layer.fields is None:
            raise ValueError(f"the receptive field of {name} is not known")
        settings = Ascent(steps, variants=1, window=window_of(classifier, name, layer.fields.size))
        pixels = np.stack([case.image.pixels for case in cases])
        synthesise(classifier, name, range(filters), settings, palette(pixels), 1)


def _counted(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())
