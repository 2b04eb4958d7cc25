"""Tables at the end of a command: what a build made, and what it would do."""

from pathlib import Path

from rich.console import Console

from reportgen.tables import plan_table, result_table

PLAIN = Console(force_terminal=False)


def test_the_result_names_files_with_their_sizes_and_counts(tmp_path: Path) -> None:
    page, facts = tmp_path / "[b]report.html", tmp_path / "report.json"
    page.write_bytes(bytes(1_234_567))
    facts.write_bytes(bytes(2_100))
    lines = result_table((page, facts), {"images": 3, "failed": 0, "results": 1200}, PLAIN).splitlines()
    rows = [line.rsplit("  ", 1) for line in lines]
    assert [(left.strip(), right.strip()) for left, right in rows] == [
        ("report", "amount"),
        (str(page), "1.2 MB"),
        (str(facts), "2.1 kB"),
        ("images", "3"),
        ("explanations and filters", "1,200"),
        ("failures", "0"),
    ]


def test_a_plan_tells_passes_by_name() -> None:
    plan = {"images": 3, "passes_lime": 12_000, "passes_saliency_hw5": 3, "seconds": 9, "bytes_html": 2_000_000}
    drawn = plan_table(plan, PLAIN)
    assert "passes for lime " in drawn
    assert "12,000" in drawn
    assert "passes for saliency_hw5" in drawn
    assert "by a short probe" in drawn
    assert "2.0 MB" in drawn
