"""The page as it is served: every file, its headers, and that it needs nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from controller.web.page import CONTENT_SECURITY, CONTENT_TYPES, PAGES, router, static_files

FILES = static_files()
TEXTS = {path: file.body.decode() for path, file in FILES.items()}
MODULES = {path: text for path, text in TEXTS.items() if path.endswith(".js")}
LANGUAGES = {"en": "js/lang/en.js", "fr": "js/lang/fr.js"}
MARKUP = {path: text for path, text in TEXTS.items() if path.endswith(".html")}
NAMESPACE = "http://www.w3.org/2000/svg"
"""The only address in the page: a name, which nothing fetches."""
CHOSEN = {
    "title", "title.waiting", "title.ready", "title.soon", "title.failed", "title.admin", "language.name",
}  # fmt: skip
"""Keys of words that are asked for by more than a literal."""


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    app.include_router(router())
    return TestClient(app)


def served() -> list[tuple[str, str]]:
    pages = list(PAGES.items())
    return pages + [(f"/page/{path}", path) for path in FILES if path not in PAGES.values()]


@pytest.mark.parametrize(("address", "path"), served())
def test_each_file_is_served_with_its_type_and_is_kept_by_browsers(client: TestClient, address: str, path: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.content == FILES[path].body
    assert answer.headers["content-type"] == CONTENT_TYPES[path[path.rindex(".") :]]
    assert answer.headers["cache-control"] == "no-cache"
    assert re.fullmatch(r'"[0-9a-f]{32}"', answer.headers["etag"])
    assert client.head(address).headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("tags", "status"),
    [("{}", 304), ("W/{}", 304), ('"other", {}', 304), ("*", 304), ('"other"', 200), ("", 200), ("{}x", 200)],
)
def test_a_file_that_the_browser_has_is_not_sent_again(client: TestClient, tags: str, status: int) -> None:
    answer = client.get("/", headers={"If-None-Match": tags.format(FILES["index.html"].etag)})
    assert answer.status_code == status
    assert (answer.content == b"") == (status == 304)
    assert answer.headers["etag"] == FILES["index.html"].etag


def test_only_the_pages_themselves_carry_the_policy_and_it_allows_nothing_inline_or_foreign(client: TestClient) -> None:
    for address in PAGES:
        assert client.get(address).headers["content-security-policy"] == CONTENT_SECURITY
    assert CONTENT_SECURITY.startswith("default-src 'none'; ")
    assert not re.search(r"unsafe|\*|https?:", CONTENT_SECURITY)


@pytest.mark.parametrize(
    "address",
    [
        *("/page/", "/page/index.html", "/page/nothing.js", "/page/__init__.py", "/page/js"),
        *("/page/../__init__.py", "/page/%2e%2e/__init__.py", "/page/..%2f__init__.py", "/page//etc/passwd"),
        *("/page/js/%00", "/page/js\\main.js", "/index.html", "/admin/"),
    ],
)
def test_there_is_nothing_but_the_files(client: TestClient, address: str) -> None:
    assert client.get(address, follow_redirects=False).status_code in {404, 307}
    assert b"import" not in client.get(address, follow_redirects=False).content


def test_the_page_is_only_read(client: TestClient) -> None:
    assert {client.request(method, "/").status_code for method in ("POST", "PUT", "DELETE", "PATCH")} == {405}


def test_it_works_below_any_path() -> None:
    """Behind a proxy that strips a prefix: no address begins with a slash."""
    for path, text in MARKUP.items():
        assert not re.findall(r'(?:href|src)="/', text), path
    for path, text in MODULES.items():
        assert not re.findall(r"""["'`]/(?:api|page|admin)""", text), path


class Inline(HTMLParser):
    """Collects what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.found += [f"{tag} {name}" for name, _ in attrs if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and not dict(attrs).get("src")):
            self.found.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open == "script" and data.strip():
            self.found.append("script")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's own signature
        self._open = ""


@pytest.mark.parametrize("path", MARKUP)
def test_no_script_or_style_is_inline(path: str) -> None:
    parser = Inline()
    parser.feed(MARKUP[path])
    assert parser.found == []


@pytest.mark.parametrize("path", TEXTS)
def test_nothing_comes_from_elsewhere(path: str) -> None:
    assert set(re.findall(r"""(?:https?:)?//[\w.-]+\.\w[^\s"')]*""", TEXTS[path])) <= {NAMESPACE}
    assert "@import" not in TEXTS[path] or path.endswith(".js")
    assert "url(http" not in TEXTS[path]


@pytest.mark.parametrize("path", MODULES)
def test_no_text_is_ever_taken_for_markup_or_code(path: str) -> None:
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc"
    assert not re.search(sinks, MODULES[path])


@pytest.mark.parametrize("path", MODULES)
def test_each_module_is_one_idea_and_imports_what_is_there(path: str) -> None:
    text = MODULES[path]
    assert text.count("\n") < 400
    assert path in LANGUAGES.values() or text.startswith("// "), "it says what it is"
    directory = path.rsplit("/", 1)[0]
    for found in re.findall(r'from "\./([^"]+)"', text):
        assert f"{directory}/{found}" in FILES


def test_every_module_is_used() -> None:
    roots = set(re.findall(r'src="page/(js/[^"]+)"', "".join(MARKUP.values())))
    assert roots == {"js/main.js", "js/admin.js"}
    imported = {f"js/{found}" for text in MODULES.values() for found in re.findall(r'"\./([^"]+\.js)"', text)}
    assert set(MODULES) == roots | imported


# -- languages -------------------------------------------------------------------------------------------------


def words_of(path: str) -> Mapping[str, str]:
    """The modules of words are JSON with ``export default`` before it."""
    body = TEXTS[path].removeprefix("export default ").rstrip().removesuffix(";")
    pairs = json.loads(body, object_pairs_hook=list)
    assert len({key for key, _ in pairs}) == len(pairs), "no key is there twice"
    return dict(pairs)


WORDS = {language: words_of(path) for language, path in LANGUAGES.items()}


def test_both_languages_say_the_same_things_with_the_same_places() -> None:
    assert list(WORDS["en"]) == list(WORDS["fr"])
    for key, text in WORDS["en"].items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", WORDS["fr"][key])), key
        assert WORDS["fr"][key].strip(), key


def literal_keys() -> set[str]:
    code = "".join(text for path, text in MODULES.items() if path not in LANGUAGES.values())
    dotted = set(re.findall(r'"((?:[a-z]\w*)(?:\.[\w]+)+)"', code))
    called = set(re.findall(r'\bt\("([^"]+)"', code))
    markup = set(re.findall(r'data-i18n(?:-label)?="([^"]+)"', "".join(MARKUP.values())))
    return called | markup | {key for key in dotted if key.split(".")[0] in PREFIXES and not key.endswith(".js")}


def made_prefixes() -> set[str]:
    """Of keys that are put together, as ``step.${…}.text``."""
    code = "".join(text for path, text in MODULES.items() if path not in LANGUAGES.values())
    return set(re.findall(r"`([a-z]+)\.\$\{", code))


PREFIXES = {key.split(".")[0] for key in WORDS["en"]} - {"winux"}


def test_every_key_that_is_used_has_words() -> None:
    assert literal_keys() - set(WORDS["en"]) == set()


def test_all_words_are_used() -> None:
    unused = {
        key for key in WORDS["en"] if key not in literal_keys() | CHOSEN and key.split(".")[0] not in made_prefixes()
    }
    assert unused == set()


STEPS = ("queued", "creating", "starting", "ready", "held", "ending", "ended", "failed")


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_words(step: str) -> None:
    assert f"step.{step}" in WORDS["en"]


@pytest.mark.parametrize("step", ["queued", "creating", "starting", "held"])
def test_every_step_that_people_wait_in_says_what_happens(step: str) -> None:
    assert f"step.{step}.text" in WORDS["en"]


@pytest.mark.parametrize("title", ["Full", "TemplateFull", "TooManyOfYours", "TooManyFromYourAddress", "TooOften"])
def test_every_refusal_that_people_meet_has_a_title_and_says_what_to_do(title: str) -> None:
    assert {f"refusal.{title}", f"refusal.{title}.title"} <= set(WORDS["en"])


# -- looks -----------------------------------------------------------------------------------------------------


def test_the_icon_is_a_drawing_without_text() -> None:
    tags = set(re.findall(r"<(\w+)", TEXTS["icon.svg"]))
    assert "svg" in tags
    assert not tags & {"text", "image", "script", "foreignObject", "a"}


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def palette(theme: str) -> Mapping[str, str]:
    light, dark = TEXTS["style.css"].split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light.split("* {")[0]))
    return found if theme == "light" else found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark.split("* {")[0]))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        *(
            (ink, ground, 4.5)
            for ink in ("ink", "quiet", "accent", "bad")
            for ground in ("ground", "surface", "sunken")
        ),
        *((tone, f"{tone}-ground", 4.5) for tone in ("good", "busy", "warn", "bad")),
        *((ink, f"{tone}-ground", 4.5) for ink in ("ink", "quiet") for tone in ("warn", "bad")),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-deep", 4.5),
        ("surface", "bad", 4.5),
        *((line, ground, 3.0) for line in ("strong-line", "focus") for ground in ("ground", "surface")),
    ],
)
def test_contrasts_are_those_of_wcag_aa(theme: str, ink: str, ground: str, least: float) -> None:
    colours = palette(theme)
    one, other = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (one + 0.05) / (other + 0.05) >= least
