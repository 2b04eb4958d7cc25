from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2gray

from reportgen import figures
from reportgen.document import Picture

NAMES = ["1", "2", "3"]
ORANGE, BLUE = (255, 127, 14), (31, 119, 180)


def pixels(picture: Picture) -> NDArray[np.int64]:
    return np.asarray(Image.open(BytesIO(picture.data)).convert("RGB")).astype(np.int64)


def near(colours: NDArray[np.int64], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(colours - colour).max(-1) <= 3)


class TestDiverging:
    def test_zero_is_white(self) -> None:
        assert figures.diverging(np.array([[0.0, -0.0]])).min() == 255

    def test_the_ends_are_blue_and_orange(self) -> None:
        assert figures.diverging(np.array([[-1.0, 1.0, -5.0, 5.0]])).tolist() == [[[*BLUE], [*ORANGE]] * 2]

    def test_a_sign_is_never_mistaken(self) -> None:
        values = np.linspace(0.05, 1, 50)[None]
        speaks_for, against = (figures.diverging(sign * values).astype(int) for sign in (1, -1))
        assert (speaks_for[..., 0] > speaks_for[..., 2]).all()
        assert (against[..., 2] > against[..., 0]).all()

    def test_a_weight_and_its_opposite_stand_equally_far_from_white(self) -> None:
        away = [np.linalg.norm(255.0 - figures.diverging(np.array([[value]]))) for value in (-1, 1, -0.4, 0.4)]
        assert away[0] == pytest.approx(away[1], rel=0.02)
        assert away[2] == pytest.approx(away[3], rel=0.02)
        assert away[0] > 2 * away[2]

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_more_weight_is_never_lighter(self, sign: int) -> None:
        assert (np.diff(rgb2gray(figures.diverging(sign * np.linspace(0, 1, 200)[None]))) <= 1e-9).all()


class TestBar:
    @pytest.mark.parametrize(
        ("kind", "picture"), [("saliency", "saliency_picture"), ("activation", "activation_picture")]
    )
    def test_its_ends_are_the_maps_ends(self, kind: str, picture: str) -> None:
        colours = pixels(figures.colour_bar(kind, "alt", 101, 5))
        ends = getattr(figures, picture)(np.array([[0.0, 7.0]]), 7.0)
        assert (colours[:, 0] == ends[0, 0]).all()
        assert (colours[:, -1] == ends[0, 1]).all()

    def test_its_middle_is_the_maps_middle(self) -> None:
        colours = pixels(figures.colour_bar("saliency", "alt", 256))
        assert (colours[0, 128] == figures.saliency_picture(np.array([[128.0]]), 255.0)[0, 0]).all()

    def test_weights_go_from_against_over_white_to_for(self) -> None:
        colours = pixels(figures.colour_bar("weights", "alt", 101))
        assert colours[0, [0, 50, 100]].tolist() == [[*BLUE], [255] * 3, [*ORANGE]]

    def test_its_size_and_words(self) -> None:
        bar = figures.colour_bar("saliency", "alt", 100, 7)
        assert (bar.width, bar.height, bar.alt, bar.media_type) == (100, 7, "alt", "image/png")
        assert pixels(bar).shape == (7, 100, 3)

    def test_there_is_no_other(self) -> None:
        with pytest.raises(ValueError, match="no colour scale 'heat'"):
            figures.colour_bar("heat", "alt")


class TestWeights:
    def test_bars_point_to_their_side_and_are_as_long_as_their_weight(self) -> None:
        colours = pixels(figures.weights_chart(NAMES, [0.5, -0.25, 0.125], "alt"))
        lengths = {"for": near(colours, ORANGE).sum(1), "against": near(colours, BLUE).sum(1)}
        rows = np.split(np.arange(len(colours)), [80, 140])
        first, second, third = (
            int(lengths[side][row].max()) for side, row in zip(("for", "against", "for"), rows, strict=True)
        )
        assert first == pytest.approx(4 * third, abs=9)  # the axis covers the first two pixels of each
        assert lengths["against"][rows[0]].max() == lengths["for"][rows[1]].max() == 0
        assert 0.5 * first * 0.5 < second < 0.5 * first  # the hatching takes some
        axis = np.flatnonzero(near(colours, ORANGE)[rows[0]].any(0))[0]
        assert np.flatnonzero(near(colours, BLUE).any(0))[-1] < axis

    def test_the_axis_runs_through_zero_from_top_to_bottom(self) -> None:
        colours = pixels(figures.weights_chart(NAMES, [0.5, -0.25, 0.0], "alt"))
        axis = np.flatnonzero((colours.max(-1) < 200).all(0))
        assert 1 <= len(axis) <= 4
        assert abs(np.flatnonzero(near(colours, ORANGE).any(0))[0] - axis[-1]) <= 2

    def test_hatching_tells_the_sign_without_colour(self) -> None:
        colours = pixels(figures.weights_chart(["1"], [-0.5], "alt"))
        inside = near(colours, BLUE).any(1)
        row = colours[np.flatnonzero(inside)[len(np.flatnonzero(inside)) // 2]]
        assert np.count_nonzero(np.diff(near(row, BLUE).astype(int))) > 6
        plain = near(pixels(figures.weights_chart(["1"], [0.5], "alt")), ORANGE)
        middle = plain[np.flatnonzero(plain.any(1))[len(np.flatnonzero(plain.any(1))) // 2]]
        assert np.count_nonzero(np.diff(middle.astype(int))) == 2

    @pytest.mark.parametrize("weights", [[0.123456, -0.123456], [1e-12, -1e-12], [123456.0, -99999.0], [0.0, 0.0]])
    def test_no_number_is_cut_off(self, weights: list[float]) -> None:
        colours = pixels(figures.weights_chart(["10", "9"], weights, "alt"))
        dark = np.asarray((colours < 128).all(-1))
        assert not dark[:, [0, -1]].any()
        assert not dark[:8, : dark.shape[1] // 3].any()
        columns = np.flatnonzero(dark.any(0))
        assert columns[0] > 3
        assert columns[-1] < colours.shape[1] - 4

    @pytest.mark.parametrize("weights", [[0.3, 0.2], [-0.3, -0.2]])
    def test_bars_of_one_sign_take_the_whole_width(self, weights: list[float]) -> None:
        colours, mixed = (pixels(figures.weights_chart(["1", "2"], w, "alt")) for w in (weights, [0.3, -0.3]))
        colour = ORANGE if weights[0] > 0 else BLUE
        longest, half = (np.ptp(np.flatnonzero(near(each, colour).any(0))) for each in (colours, mixed))
        assert longest > 2 * half

    def test_an_interval_that_holds_zero_keeps_its_room(self) -> None:
        colours = pixels(figures.weights_chart(["1", "2"], [0.3, 0.1], "alt", [0.05, 0.2]))
        below = np.asarray((colours < 60).all(-1))[colours.shape[0] // 2 :]
        name, *rest = np.split(
            np.flatnonzero(below.any(0)), np.flatnonzero(np.diff(np.flatnonzero(below.any(0))) > 20) + 1
        )
        assert rest  # the interval does not run into the name
        assert np.ptp(name) < 40

    def test_each_number_stands_beyond_the_tip_of_its_bar(self) -> None:
        for weight, colour in ((0.5, ORANGE), (-0.5, BLUE)):
            colours = pixels(figures.weights_chart(["1"], [weight], "alt"))
            bar, dark = (np.flatnonzero(mask.any(0)) for mask in (near(colours, colour), (colours < 60).all(-1)))
            number = dark[dark > 60]  # without the name, and the axis is lighter
            assert len(number) > 10
            assert number.min() > bar.max() if weight > 0 else number.max() < bar.min()
            assert min(abs(number.min() - bar.max()), abs(number.max() - bar.min())) < 20

    def test_each_name_stands_at_the_left_of_its_bar(self) -> None:
        one, other = (pixels(figures.weights_chart(names, [0.5, 0.5], "alt")) for names in (["1", "2"], ["1", "3"]))
        rows, columns = np.nonzero((one != other).any(-1))
        bars = np.flatnonzero(near(one, ORANGE).any(1))
        assert columns.max() < 60
        assert rows.min() > len(one) / 2
        assert rows.mean() == pytest.approx(bars[bars > len(one) / 2].mean(), abs=4)

    def test_every_bar_has_the_same_height_and_place(self) -> None:
        heights = [figures.weights_chart([str(i) for i in range(n)], [1.0] * n, "alt").height for n in (1, 2, 10)]
        assert heights[1] - heights[0] == pytest.approx((heights[2] - heights[1]) / 8, abs=1)

    def test_nothing_to_show_is_an_empty_chart(self) -> None:
        assert figures.weights_chart([], [], "alt").width > 0

    def test_names_and_weights_must_fit(self) -> None:
        with pytest.raises(ValueError, match="3 names and 2 margins for 2 weights"):
            figures.weights_chart(NAMES, [1.0, 2.0], "alt")

    def test_a_name_is_no_formula(self) -> None:
        assert figures.weights_chart(["$x$", "_", "\\frac"], [1.0, 1.0, 1.0], "alt").width > 0

    def test_minus_zero_is_zero(self) -> None:
        assert figures.weights_chart(["1"], [-0.0], "alt").data == figures.weights_chart(["1"], [0.0], "alt").data

    def test_the_same_numbers_give_the_same_bytes_and_leave_no_trace(self) -> None:
        before = dict(matplotlib.rcParams)
        charts = {figures.weights_chart(NAMES, [0.5, -0.25, 0.0], "alt").data for _ in range(3)}
        assert len(charts) == 1
        assert dict(matplotlib.rcParams) == before


CHART = """
import hashlib
from reportgen import figures
chart = figures.weights_chart(["1", "2"], [0.5, -0.25], "alt").data
bar = figures.colour_bar("saliency", "alt").data
print(hashlib.sha256(chart + bar).hexdigest())
"""
SETTINGS = """
text.color: red
font.size: 30
font.family: monospace
hatch.linewidth: 9
hatch.color: green
axes.facecolor: black
figure.facecolor: black
savefig.facecolor: black
savefig.dpi: 30
savefig.bbox: tight
figure.dpi: 30
path.sketch: 5, 100, 2
image.cmap: gray
patch.force_edgecolor: True
"""


def test_a_matplotlibrc_in_the_folder_changes_nothing(fresh: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "styled").mkdir()
    (tmp_path / "styled" / "matplotlibrc").write_text(SETTINGS)
    assert fresh(CHART, folder=tmp_path / "plain") == fresh(CHART, folder=tmp_path / "styled")
