"""No module needs, by whatever way round, a module that needs it: imports for types and inside functions count too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import elman

ROOT = Path(elman.__file__).parent


def name_of(path: Path) -> str:
    parts = ("elman", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in ROOT.rglob("*.py")}


def imported(path: Path) -> Iterator[str]:
    """The modules of elman that a file names, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in FILES else node.module


# The front door names every folder, for whoever asks; nothing inside may come back through it.
GRAPH = {
    name: {other for other in imported(path) if other in FILES} - {name}
    for name, path in FILES.items()
    if name != "elman"
}


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The sets of modules of which each reaches every other."""
    reach = {name: reached(graph, name) for name in graph}
    groups = {frozenset({name} | {other for other in reach[name] if name in reach[other]}) for name in graph}
    return [set(group) for group in groups if len(group) > 1]


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        fresh = graph.get(todo.pop(), set()) - found
        found |= fresh
        todo += fresh
    return found


def test_no_import_circles():
    assert circles(GRAPH) == []


def test_nothing_inside_imports_the_front_door():
    assert [name for name, others in GRAPH.items() if "elman" in others] == []


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == [{"a", "b", "c"}]
