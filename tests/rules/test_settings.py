"""rules.toml over a preset, and what is refused."""

from pathlib import Path

import pytest

from reportgen.errors import UsageError
from reportgen.options import PRESETS, Preset
from reportgen.rules import RULES, Rulebook, read_rules
from reportgen.rules.settings import Setting, _read


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def read(file: Path, text: str, preset: Preset | None = None) -> Rulebook:
    file.write_text(text, encoding="utf-8")
    return read_rules(file, preset)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_says_all_of_every_rule(preset: Preset) -> None:
    import reportgen.rules

    said = _read(Path(reportgen.rules.__file__).parent / f"{preset}.toml").rules
    assert list(said) == list(RULES)
    for name, entry in said.items():
        thresholds = entry.model_dump(include={"at_least", "at_most", "below"}, exclude_none=True)
        assert set(thresholds) == {RULES[name].sense}, name
        assert entry.level is not None


def test_strict_is_nowhere_laxer() -> None:
    default, strict = read_rules(), read_rules(preset="strict")
    for name, rule in RULES.items():
        sign = 1 if rule.sense == "at_least" else -1
        assert sign * strict[name].threshold >= sign * default[name].threshold, name
        assert strict[name].level == "error"


def test_without_a_file_the_default_preset_holds(file: Path) -> None:
    assert read_rules() == read(file, "") == read_rules(preset="default")
    assert read_rules()["accuracy"] == Setting("warn", 0.8, "pass")


def test_the_file_has_its_word_over_the_preset(file: Path) -> None:
    book = read(
        file,
        'not_tested = "fail"\n[rules]\nlime_fit = "off"\naccuracy.at_least = 0.5\n'
        'dead_filters = { level = "error", at_most = 0, not_tested = "pass" }',
    )
    assert book["lime_fit"].level == "off"
    assert book["accuracy"] == Setting("warn", 0.5, "fail")
    assert book["dead_filters"] == Setting("error", 0.0, "pass")  # a threshold of 0 is one
    assert book["degenerate"] == Setting("error", 0.25, "fail")


def test_the_file_may_name_its_preset_and_the_command_line_another(file: Path) -> None:
    text = 'preset = "strict"\n[rules]\nlime_fit = "off"'
    assert read(file, text)["accuracy"].threshold == 0.9
    assert read(file, text, "default")["accuracy"].threshold == 0.8
    assert read(file, text, "default")["lime_fit"].level == "off"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[rules]\nacuracy = 'off'", "unknown rule acuracy. Did you mean accuracy?"),
        ("[rules]\nxyz = 'off'", "unknown rule xyz. Known: accuracy, "),
        ("not_testd = 'fail'", "unknown setting not_testd. Did you mean not_tested?"),
        ("[rule]\naccuracy = 'off'", "unknown setting rule. Did you mean rules?"),
        ("[rules]\naccuracy.atleast = 1", "unknown setting of accuracy atleast. Did you mean at_least?"),
        ("[rules]\naccuracy.at_most = 0.5", "this rule takes at_least. Write at_least = 0.5"),
        ("[rules]\naccuracy.at_least = 80", "a share lies from 0 to 1 (got 80). Write 0.8 for 80%"),
        ("[rules]\naccuracy.at_least = nan", "rules.accuracy.at_least in "),
        ("[rules]\naccuracy = 'loud'", "rules.accuracy.level in "),
        ("[rules]\naccuracy = 3", "rules.accuracy in "),
        ("preset = 'lax'", "preset in "),
        ("rules = 3", "rules is not a table"),
        ("[rules", "not a rules file ("),
    ],
)
def test_what_a_file_may_not_say(file: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(file, text)
    assert caught.value.exit_code == 2
    assert says in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for name in ("none.toml", "binary.toml"):
        with pytest.raises(UsageError, match=name):
            read_rules(tmp_path / name)
