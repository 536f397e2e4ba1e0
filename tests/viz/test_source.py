"""A component's script: every file a scope of its own, nothing handed on that nobody takes, small on the wire."""

import base64
import gzip
import re

import pytest

from viz.components.scaffold.bundling import (
    COMPONENTS,
    browser_source,
    bundle,
    is_alone,
    library_source,
    module,
    packed_source,
    parts_of,
)

NAMES = sorted(file.parent.name for file in COMPONENTS.glob("*/index.js"))
ALONE = COMPONENTS.parent / "standalone"
SCRIPTS = sorted([*COMPONENTS.glob("*/*.js"), *ALONE.glob("*.js")])


def script(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return folder / "index.js"


def test_each_file_stands_in_a_function_of_its_own_after_those_that_it_imports(tmp_path):
    entry = script(
        tmp_path,
        one="const size = 1\nexport const first = size\n",
        other='import { first } from "./one.js"\nconst size = 2\nexport const second = first + size\n',
        index='import { first } from "./one.js"\nimport { second } from "./other.js"\nexport default [first, second]\n',
    )
    parts = parts_of(entry)
    assert [part.name for part in parts] == ["one.js", "other.js", "index.js"]
    text = bundle(parts)
    assert text.count("(() => {") == 3
    assert "const { first } = parts[0]\n" in text


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"index": 'import { a } from "./one.js"\n', "one": "export const b = 1\n"}, r"\['a'\] is not"),
        (
            {"index": 'import { a } from "./one.js"\nexport const b = 1\n', "one": 'import { b } from "./index.js"\n'},
            "circle",
        ),
        ({"index": 'import one from "./one.js"\n', "one": ""}, "import one"),
        ({"index": "const a = 1\nexport { a }\n"}, "export"),
    ],
    ids=["not exported", "circle", "default import", "export list"],
)
def test_what_cannot_be_put_together_is_refused(tmp_path, files, said):
    with pytest.raises(ValueError, match=said):
        parts_of(script(tmp_path, **files))


def test_what_a_file_hands_on_is_taken_by_another():
    taken = {(file, name) for part in SCRIPTS for file, names in module(part).imports for name in names}
    unused = [
        f"{part.parent.name}/{part.name}: {name}"
        for part in SCRIPTS
        for name in module(part).exports
        if (part.resolve(), name) not in taken
    ]
    assert unused == []


def test_each_file_is_part_of_a_component():
    alone = [ALONE / "unpack_and_begin.js", ALONE / "page_in_file.js", ALONE / "patch_host.js"]
    entries = [*(COMPONENTS / name / "index.js" for name in NAMES), *alone]
    used = {part for entry in entries for part in parts_of(entry)}
    assert [file.name for file in SCRIPTS if file.resolve() not in used] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_view_says_when_it_is_ready_and_gives_its_numbers(name):
    if is_alone(name) or f'component("{name}")' in (COMPONENTS / name / "__init__.py").read_text():
        return
    text = (COMPONENTS / name / "index.js").read_text()
    assert "extends View" in text
    assert "this.ready(" in text
    assert "export default mount(" in text
    if name != "framed_document":
        assert re.search(r"this\.offer\(\{\s*value: ", text)


@pytest.mark.parametrize("name", NAMES)
def test_scripts_put_text_in_as_text_only(name):
    source = browser_source(name)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "https:", "fetch("):
        assert word not in source
    assert not re.search(r"http:(?!//www\.w3\.org/2000/svg)", source)


@pytest.mark.quick(7)
@pytest.mark.parametrize("name", NAMES)
def test_a_component_has_a_script_that_streamlit_takes_for_text(name):
    if is_alone(name):
        assert len(browser_source(name)) < 2_000
        return
    source = packed_source(name)
    # A string without a line break that contains "/" would be taken for a path.
    assert "\n" in source
    assert source.count("export default") == 1
    assert unpacked(source) == browser_source(name)
    assert packed_source(name) == source, "another message would be sent again"


def test_a_large_script_is_sent_apart_from_the_picture_that_calls_it():
    library, data, picture = library_source("attention_view")
    script = gzip.decompress(data).decode()
    assert script == browser_source("attention_view")
    assert ".attention-view" in script
    assert library.count("export default") == picture.count("export default") == 1
    # As bytes, which take a fifth less than the letters of a script would.
    assert len(picture) < 600 < len(library) < 1_500 < 20_000 < len(data) < 32_000
    assert library_source("attention_view") == (library, data, picture), "another message would be sent again"
    assert all("\n" in text for text in (library, picture))


def unpacked(script):
    [packed] = re.findall(r'"([^"]+)"\.match', script)
    return gzip.decompress(base64.b85decode(packed)).decode()
