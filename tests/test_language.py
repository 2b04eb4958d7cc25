import re
import string
from pathlib import Path

import pytest

from reportgen import language
from reportgen.errors import UsageError
from reportgen.language import Words, languages, load_references, load_words
from reportgen.languages import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
CODES = languages()
OTHERS = tuple(code for code in CODES if code != "en")
HAN = re.compile(r"[\u3400-\u9fff]")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A templates folder of our own; the path of its English."""
    monkeypatch.setattr(language, "templates_dir", lambda: tmp_path)
    (tmp_path / "lang").mkdir()
    return tmp_path / "lang" / "en.toml"


def test_sentences_are_named_by_table_and_key_and_fold_their_line_breaks(made: Path) -> None:
    made.write_text('[a]\nb = """one\n  two {n}"""\n[a.c]\nd = "three"')
    words = load_words()
    assert words("a.b", n=5) == "one two 5"
    assert words("a.c.d") == "three"
    assert (words.has("a.b"), words.has("a.x")) == (True, False)
    assert dict(words.table("a")) == {"b": "one two {n}", "c.d": "three"}
    assert dict(words.table("a.c")) == {"d": "three"}


def test_values_are_filled_in_and_never_read_as_sentences(made: Path) -> None:
    made.write_text('[a]\nb = "file {name}"')
    assert load_words()("a.b", name="{name} {x} {0.__class__}") == "file {name} {x} {0.__class__}"


def test_a_missing_sentence_or_value_is_a_bug() -> None:
    words = Words("en", {"a.b": "file {name}"})
    with pytest.raises(KeyError):
        words("a.c")
    with pytest.raises(KeyError):
        words("a.b")


@pytest.mark.parametrize("code", ["xx", "", "../lang/en", "en.toml"])
def test_only_languages_that_have_a_file(code: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_words(code)
    assert caught.value.code == "E-LANG"
    assert "en" in caught.value.fix


def test_languages_are_listed_by_their_files(tmp_path: Path) -> None:
    for name in ("fr.toml", "de.toml", "notes.txt"):
        (tmp_path / name).touch()
    assert languages(tmp_path) == ("de", "fr")


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_can_be_filled(code: str) -> None:
    for key, text in load_words(code).sentences.items():
        places = [place for _, place, _, _ in string.Formatter().parse(text) if place is not None]
        assert all(place.isidentifier() for place in places), key
        assert text, key
        assert re.search(r"[.!?] [.!?]|\s[,.;]", text) is None, key


def places(text: str) -> set[str]:
    return {place for _, place, _, _ in string.Formatter().parse(text) if place is not None}


def test_the_languages_are_those_that_can_be_asked_for() -> None:
    assert set(CODES) == set(LANGUAGES)


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_says_the_same(code: str) -> None:
    english, other = load_words("en").sentences, load_words(code).sentences
    assert [key for key in english if key not in other] == []
    assert [key for key in other if key not in english and not key.startswith("problem.")] == []


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_fills_in_the_same_values(code: str) -> None:
    english, other = load_words("en").sentences, load_words(code).sentences
    differing = {key for key in english.keys() & other.keys() if places(english[key]) != places(other[key])}
    assert differing == set()


@pytest.mark.parametrize("code", OTHERS)
def test_every_error_of_an_image_is_told_in_every_language(code: str) -> None:
    """Errors speak English themselves, so en.toml has no words for them."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "reportgen" / "images").glob("*.py")))
    codes = {*re.findall(r'ImageError\(\s*"(E-[A-Z-]+)"', source), "E-OUTPUT-NAN"}
    assert len(codes) > 8
    told = load_words(code).table("problem")
    assert {f"{each}_{part}" for each in codes for part in ("why", "fix")} | {"E-METHOD_fix"} == set(told)
    assert not load_words("en").table("problem")


@pytest.mark.parametrize(("code", "charset"), [("zh-Hant", "big5"), ("zh-Hans", "gb2312")])
def test_every_character_belongs_to_the_script(code: str, charset: str) -> None:
    """Big5 has no simplified characters and GB 2312 no traditional ones."""
    for key, text in load_words(code).sentences.items():
        strangers = [letter for letter in HAN.findall(text) if not letter.encode(charset, "ignore")]
        assert strangers == [], key


@pytest.mark.parametrize("code", ["zh-Hant", "zh-Hans"])
def test_chinese_sentences_are_chinese(code: str) -> None:
    """No English run of three words, no halfwidth punctuation behind a character, no space before a fullwidth one."""
    for key, text in load_words(code).sentences.items():
        assert not re.search(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}", text.replace("git lfs pull", "")), key
        assert not re.search(r"[\u4e00-\u9fff][,;:!?()]", text), key
        assert not re.search(r"\s[，。；：、！？（）「」]|[，。；：、！？（）「」]\s", text), key
        assert not re.search(r"[\u4e00-\u9fff][A-Za-z]|[A-Za-z][\u4e00-\u9fff]", text), key


@pytest.mark.parametrize(
    ("code", "foreign"),
    [
        (
            "zh-Hant",
            "圖像 概率 數據集 置信區間 掩碼 質量 默認 文件 程序 內存 網絡 屏幕 軟件 信息 方差 魯棒 噪聲 響應 激活 "
            "隨機數 确 占 相關系 復制",
        ),
        (
            "zh-Hans",
            "影像 信赖区间 遮罩 预设 档案 程式 记忆体 网路 萤幕 软体 资讯 变异数 准确度 机率 杂讯 活化 乱数 平均值 "
            "门槛 掩模 回对 回错 所回",
        ),
    ],
    ids=["zh-Hant", "zh-Hans"],
)
def test_the_terms_are_those_of_the_place(code: str, foreign: str) -> None:
    text = "".join(load_words(code).sentences.values())
    assert [term for term in foreign.split() if term in text] == []


def test_references_have_a_text_and_a_link() -> None:
    references = load_references()
    assert references
    for key, entry in references.items():
        assert set(entry) <= {"short", "text", "url"}, key
        assert entry["short"], key
        assert entry["text"], key
        assert entry.get("url", "https://").startswith("https://"), key
