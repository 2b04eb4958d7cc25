"""Images as Fourier coefficients of decorrelated colours: what gradient ascent climbs in, in place of pixels.

A photograph's neighbouring pixels and its channels go together, so steps of equal size on either make noise and
garish colours. Source: olah2017; the constants are Lucid's.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reportgen.palette import Palette

NOISE = 0.01  # standard deviation of the coefficients at the start
TINT = 0.5  # how far the colour of the whole image goes with its coefficient, as a logit
CONTRAST = 0.25  # how far a coefficient takes the colour, before the bound
DARKEST = 0.2  # nearer than this to black or white, a start would hardly move


@dataclass(frozen=True, eq=False)
class Basis:
    """Takes coefficients (N, 3, H, W//2 + 1, 2) to images (N, 3, H, W).

    The mean, at frequency 0, is the tint of the whole image: R, G and B each by itself, for what is rare within
    photographs, as plain blue is, would otherwise be out of reach of a filter that asks for nothing else.
    scale: (H, W//2 + 1); colours: (3, 3); middle: (3, 1, 1), the colour that no coefficient stands for, as a logit.
    """

    size: tuple[int, int]
    scale: Tensor
    colours: Tensor
    middle: Tensor

    def images(self, coefficients: Tensor) -> Tensor:
        """RGB in [0, 1]."""
        spectrum = torch.view_as_complex(coefficients * self.scale[..., None])
        planes = torch.fft.irfft2(spectrum, s=self.size)
        waves = torch.einsum("ij,njhw->nihw", self.colours, planes)
        tint = TINT * coefficients[:, :, 0, 0, :1, None]
        images: Tensor = (waves + tint + self.middle).sigmoid()
        return images

    def start(self, rng: np.random.Generator) -> Tensor:
        """Faint noise, (3, H, W//2 + 1, 2) float32."""
        return torch.tensor(rng.normal(0, NOISE, (3, self.size[0], self.size[1] // 2 + 1, 2)), dtype=torch.float32)


def basis(size: tuple[int, int], decay: float, palette: Palette, device: torch.device) -> Basis:
    """The basis for images of a size. decay: 0 for pixels' freedom, 1 for the spectrum of photographs."""
    middle = palette.mean.clip(DARKEST, 1 - DARKEST)
    colours = torch.tensor(colour_map(palette), dtype=torch.float32)
    logit = torch.tensor(np.log(middle / (1 - middle)), dtype=torch.float32)
    return Basis(size, spectrum_scale(size, decay).to(device), colours.to(device), logit.view(3, 1, 1).to(device))


def colour_map(palette: Palette) -> np.ndarray:
    """(3, 3): decorrelated coefficients to logits of RGB, so that near the middle RGB varies as the palette says.

    Only the palette's proportions count: pale images must not make pale pictures.
    """
    middle = palette.mean.clip(DARKEST, 1 - DARKEST)
    slope = middle * (1 - middle)  # of the bound, the logistic function, at the middle
    size = np.sqrt(np.square(palette.root).sum() / 3)
    return np.asarray(CONTRAST * 0.25 / slope[:, None] * palette.root / size)


def spectrum_scale(size: tuple[int, int], decay: float) -> Tensor:
    """1 / frequency^decay, as in photographs: without it the highest frequencies would take over. (H, W//2 + 1)."""
    rows, columns = torch.fft.fftfreq(size[0])[:, None], torch.fft.rfftfreq(size[1])[None]
    frequency = (rows.square() + columns.square()).sqrt()
    scale: Tensor = frequency.clamp(min=1 / max(size)).pow(-decay) * (size[0] * size[1]) ** 0.5
    scale[0, 0] = 0  # that is the tint
    return scale
