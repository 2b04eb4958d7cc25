"""What the appendix says of LIME's forward passes, chosen by what was measured."""

from dataclasses import replace

import pytest
from reading import said
from scenarios import RUNS

from reportgen.forwards import ForwardFacts
from reportgen.results import Run

BF16 = ForwardFacts(True, "folded", 4, 5, "channels_last", "bfloat16", False, 0.0021, 0.02, None, None, 8)
FP32 = replace(BF16, precision="float32", distance=1e-7)
START = "Forward passes for LIME ran"


def sentences(forwards: ForwardFacts | None) -> list[str]:
    run: Run = next(iter(RUNS.values()))
    told = replace(run, provenance=replace(run.provenance, forwards=forwards))
    return [each.text for each in said(told) if any("provenance.forwards" in key for key in each.keys)]


def test_what_was_kept_and_how_far_it_is() -> None:
    (ran,) = sentences(BF16)
    assert ran.startswith(f"{START} in bfloat16, channels last in memory, with 4 of 5 batch-norms folded")
    assert ran.endswith("float32 is 0.0021.")
    assert "on 8 probe images" in ran


def test_a_precision_that_was_too_far() -> None:
    ran, refused = sentences(replace(FP32, rejected="bfloat16", rejected_distance=0.31))
    assert ran.startswith(f"{START} in float32")
    assert refused == (
        "They did not run in bfloat16, for there a class probability differed by 0.31, and 0.02 is the limit."
    )


def test_a_precision_without_finite_answers() -> None:
    _, refused = sentences(replace(FP32, rejected="bfloat16"))
    assert refused == "They did not run in bfloat16, for there the network gave no finite answers."


@pytest.mark.parametrize(
    ("folding", "words"),
    [
        ("none", "without batch-norms"), ("hooks", "carries hooks"), ("untraceable", "cannot be traced"),
        ("unpaired", "follows a convolution alone"), ("differs", "something else"), ("uncopied", "cannot be copied"),
    ],
)  # fmt: skip
def test_why_nothing_was_folded(folding: str, words: str) -> None:
    (ran,) = sentences(replace(FP32, folding=folding, folded=0))  # type: ignore[arg-type]
    assert words in ran


def test_a_network_that_did_not_answer_and_a_report_without_perturbation() -> None:
    assert sentences(ForwardFacts()) == [
        f"{START} on the network itself in float32, for it gave no finite answers to the probe images."
    ]
    assert sentences(None) == []
