"""The floor plan and the house style, as far as a plain reading of the source can tell.

Each rule gives its violations as text; below, each is also shown a source that breaks it.
"""

import re
import tomllib

import pytest
from judge.venue import ROOT

# Who may import whom. `net` and `adapters` see of the journal its event log only.
IMPORTS = {
    "engine": set(),
    "journal": {"engine"},
    "net": {"engine", "journal"},
    "adapters": {"engine", "journal"},
    "perf": {"engine", "journal", "net"},
    ".": {"engine", "journal", "net", "adapters"},
}
EVENT_LOG_ONLY = ("net", "adapters")
LINES_MAX = 600
FUNCTION_LINES_MAX = 70
README_LINES_MAX = 120
# Where numbers become bytes: one codec a format, and nowhere else.
CODECS = {
    "engine/src/packed.rs",  # commands and events, as journal and event log store them
    "journal/src/event_log/block.rs",
    "journal/src/event_log/cursor.rs",
    "journal/src/event_log/index.rs",
    "net/src/soup.rs",
    "net/src/wire.rs",  # the fields of OUCH and ITCH
    "net/src/ouch/mod.rs",  # lengths of appendages
    "net/src/ouch/appendage.rs",
    "net/src/directory.rs",  # symbols as keys
    "net/src/web/frame.rs",  # heads of WebSocket frames
    "net/src/web/views/codec.rs",
}
# One module a crate may be unsafe; it says why with `#![allow(unsafe_code)]`.
UNSAFE_MODULES_MAX = 1
PURE = r"\b(f32|f64|SystemTime|Instant|HashMap|HashSet|RandomState)\b|std::(time|thread|fs|net|env)\b"


def sources(root, folder="."):
    """(path from the root, product code) of each Rust file: without its tests and comments."""
    base = root / folder
    places = [base / "src"] if folder != "." else [root / "src", *(root / name / "src" for name in IMPORTS if name != ".")]
    for place in places:
        for file in sorted(place.rglob("*.rs")):
            if file.name == "tests.rs" or "tests" in file.relative_to(root).parent.parts:
                continue
            text = re.split(r"^#\[cfg\(test\)\]\s*mod tests \{", file.read_text(), maxsplit=1, flags=re.MULTILINE)[0]
            yield file.relative_to(root).as_posix(), re.sub(r"//[^\n]*", "", text)


def imports(root):
    """Crate edges that the floor plan does not draw."""
    for folder, allowed in IMPORTS.items():
        manifest = tomllib.loads((root / folder / "Cargo.toml").read_text())
        for section in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name in manifest.get(section, {}):
                if name.removeprefix("rotunda-") in (*IMPORTS, "rotunda") and name.removeprefix("rotunda-") not in allowed:
                    yield f"{folder}/Cargo.toml: {section} has {name}; the floor plan allows {sorted(allowed) or 'none of ours'}"
    for folder in EVENT_LOG_ONLY:
        for path, text in sources(root, folder):
            for found in re.findall(r"\bjournal::(?!event_log\b)(\{?\w+)", text):
                yield f"{path}: journal::{found}; this room reads journal::event_log only"


def file_lengths(root):
    for file in sorted(root.rglob("*.rs")):
        if "target" not in file.relative_to(root).parts:
            lines = len(file.read_text().splitlines())
            if lines > LINES_MAX:
                yield f"{file.relative_to(root)}: {lines} lines, at most {LINES_MAX}: split it"


def lints(root):
    """That the compiler's own rules are switched on, for every crate."""
    workspace = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["lints"]
    clippy = tomllib.loads((root / "clippy.toml").read_text())
    if clippy.get("too-many-lines-threshold", 100) > FUNCTION_LINES_MAX:
        yield f"clippy.toml: too-many-lines-threshold is above {FUNCTION_LINES_MAX}"
    for name in ("too_many_lines", "unwrap_used", "wildcard_imports"):
        if workspace["clippy"].get(name) != "deny":
            yield f"Cargo.toml: clippy's {name} is not denied"
    if workspace["rust"].get("unsafe_code") not in ("deny", "forbid"):
        yield "Cargo.toml: unsafe_code is not denied"
    for folder in IMPORTS:
        if not tomllib.loads((root / folder / "Cargo.toml").read_text()).get("lints", {}).get("workspace"):
            yield f"{folder}/Cargo.toml: has no `[lints] workspace = true`"


def loosened_lints(root):
    for path, text in sources(root):
        for found in re.findall(r"#!?\[allow\((?:clippy::)?(too_many_lines|unwrap_used|wildcard_imports)", text):
            yield f"{path}: allows {found}"


def byte_conversions(root):
    for path, text in sources(root):
        for found in sorted(set(re.findall(r"\b(?:from|to)_(?:be|le|ne)_bytes\b", text))):
            if path not in CODECS:
                yield f"{path}: {found}; bytes are made in the codecs only (CODECS in tests/test_taste.py)"


def unsafe_modules(root):
    modules = {}
    for path, text in sources(root):
        if re.search(r"\bunsafe\b", text):
            modules.setdefault(path.split("/src/")[0] if "/src/" in path else ".", []).append(path)
            if not re.search(r"#!\[allow\(\s*unsafe_code", text):
                yield f"{path}: unsafe outside a module that says so with #![allow(unsafe_code)] and a reason"
    for crate, paths in modules.items():
        if len(paths) > UNSAFE_MODULES_MAX:
            yield f"{crate}: unsafe in {len(paths)} modules: {', '.join(paths)}"


def shared_locks(root):
    for folder in ("engine", "journal", "net"):
        for path, text in sources(root, folder):
            for found in re.findall(r"Arc<(?:std::sync::)?(?:Mutex|RwLock)\b", text):
                yield f"{path}: {found}…: threads share rings only"


def impurities(root):
    """The engine has no clock, no float, no hash order, no input or output."""
    for path, text in sources(root, "engine"):
        for found in sorted({match.group(0) for match in re.finditer(PURE, text)}):
            yield f"{path}: {found}; the engine is a pure function of its commands"


def shortcuts(root):
    for path, text in sources(root):
        if re.search(r"\bpub use [\w:]+::\*", text):
            yield f"{path}: a glob re-export; one public path for each type"
        if re.search(r"cfg!\(test\)", text):
            yield f"{path}: cfg!(test) in product code"


def readme_length(root):
    readme = root / "README.md"
    if readme.exists() and (lines := len(readme.read_text().splitlines())) > README_LINES_MAX:
        yield f"README.md: {lines} lines, at most {README_LINES_MAX}"


RULES = (imports, file_lengths, lints, loosened_lints, byte_conversions, unsafe_modules, shared_locks, impurities, shortcuts,
         readme_length)  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule):
    violations = list(rule(ROOT))
    assert not violations, "\n" + "\n".join(violations)


@pytest.fixture
def house(tmp_path):
    """A small house without a fault."""
    for folder, allowed in IMPORTS.items():
        (tmp_path / folder / "src").mkdir(parents=True, exist_ok=True)
        dependencies = "".join(f"{name}.workspace = true\n" for name in sorted(allowed))
        text = f'[package]\nname = "{folder}"\n[dependencies]\n{dependencies}[lints]\nworkspace = true\n'
        (tmp_path / folder / "Cargo.toml").write_text(text)
        (tmp_path / folder / "src" / "lib.rs").write_text("//! Nothing.\n")
    with open(tmp_path / "Cargo.toml", "a") as manifest:
        manifest.write('[workspace.lints.rust]\nunsafe_code = "deny"\n[workspace.lints.clippy]\n')
        manifest.write('too_many_lines = "deny"\nunwrap_used = "deny"\nwildcard_imports = "deny"\n')
    (tmp_path / "clippy.toml").write_text("too-many-lines-threshold = 70\n")
    return tmp_path


FAULTS = [
    (imports, "engine/Cargo.toml", '[package]\nname = "engine"\n[dependencies]\njournal.workspace = true\n'),
    (imports, "net/src/lib.rs", "use journal::writer::Writer;"),
    (file_lengths, "engine/src/lib.rs", "//\n" * 601),
    (lints, "clippy.toml", "too-many-lines-threshold = 200\n"),
    (lints, "net/Cargo.toml", '[package]\nname = "net"\n'),
    (loosened_lints, "net/src/lib.rs", "#[allow(clippy::too_many_lines)]\nfn f() {}"),
    (byte_conversions, "net/src/session.rs", "fn f(n: u32) -> [u8; 4] { n.to_be_bytes() }"),
    (unsafe_modules, "engine/src/ring.rs", "fn f() { unsafe { g() } }"),
    (shared_locks, "net/src/lib.rs", "struct S(Arc<Mutex<u8>>);"),
    (impurities, "engine/src/lib.rs", "fn f() -> f64 { 0.0 }"),
    (impurities, "engine/src/lib.rs", "use std::time::Instant;"),
    (shortcuts, "journal/src/lib.rs", "pub use inner::*;"),
    (shortcuts, "journal/src/lib.rs", "fn f() { if cfg!(test) {} }"),
    (readme_length, "README.md", "\n" * 121),
]


@pytest.mark.parametrize("rule, path, text", FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_each_rule_sees_its_fault(house, rule, path, text):
    assert not list(rule(house)), "the small house is without a fault"
    (house / path).write_text(text)
    assert list(rule(house))
