"""The house plan holds: imports only point up, every file is in its table, `__all__` is right, no file is too long."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from statistics import median

import pytest

import elman
from elman.cells import CELLS, Cell
from elman.data.readers import READERS
from elman.encoders import ENCODERS
from elman.fields import FIELDS, Field
from elman.heads import HEADS
from elman.recipes import RECIPES
from elman.recipes.datasets import DATASETS
from elman.topologies import TOPOLOGIES, Topology

SOURCE = Path(elman.__file__).parent
# From the foundation to the front door: a module imports from its own line and the lines above.
ORDER = [
    "errors", "types", "checks", "config", "kernels", "media", "storage", "decoding", "fields", "data",
    "metrics", "cells", "layers", "encoders", "heads", "topologies", "network", "testing", "inference", "model",
    "forecasting", "training", "insight", "recipes", "cli", "__main__",
]  # fmt: skip
# Classes take plain arguments: these alone know the configuration as a whole.
KNOW_THE_CONFIGURATION = {"config", "training", "model", "cli"}
MODULES = sorted(SOURCE.rglob("*.py"))
LONGEST = 400
# The file of a folder that holds what all entries of its table share.
BASE = "base"


def room(name: str) -> int:
    """The line of ORDER on which elman.<name> stands."""
    return ORDER.index(name)


def imported_rooms(path: Path) -> set[str]:
    """The rooms of elman that a module imports anywhere, in its functions too."""
    tree = ast.parse(path.read_text())
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("elman.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_point_up(path):
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if own == "__init__":
        return  # the front door looks names up in every room
    for name in imported_rooms(path):
        assert room(name) <= room(own), f"{path.relative_to(SOURCE)} imports elman.{name}, which stands below it"


def test_few_files_know_the_configuration_as_a_whole():
    knowing = {path.relative_to(SOURCE).parts[0] for path in MODULES if "RunConfig" in path.read_text()}
    assert knowing <= KNOW_THE_CONFIGURATION


def test_the_root_holds_few_modules_and_folders_and_most_files_are_short():
    folders = [path for path in SOURCE.iterdir() if (path / "__init__.py").is_file()]
    assert len(list(SOURCE.glob("[!_]*.py"))) <= 6
    assert len(folders) <= 22
    assert median(len(path.read_text().splitlines()) for path in MODULES) <= 110


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_file_is_too_long_and_each_says_what_it_is(path):
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(text)), "a file opens with a sentence that says what it is"


@pytest.mark.parametrize(
    ("folder", "listed"),
    [
        ("cells", {inspect.getmodule(entry).__name__ for entry in CELLS.values()}),
        ("fields", {inspect.getmodule(entry).__name__ for entry in FIELDS.values()}),
        ("encoders", {inspect.getmodule(entry).__name__ for entry in ENCODERS.values()}),
        ("heads", {inspect.getmodule(entry).__name__ for entry in HEADS.values()}),
        ("topologies", {inspect.getmodule(entry).__name__ for entry in TOPOLOGIES.values()}),
        ("data/readers", {inspect.getmodule(entry).__name__ for entry in READERS.values()}),
        ("recipes/datasets", {inspect.getmodule(entry).__name__ for entry in DATASETS.values()}),
        ("recipes", {f"elman.recipes.{name.replace('-', '_')}" for name in RECIPES}),
    ],
)
def test_every_file_of_a_folder_is_in_its_table(folder, listed):
    """Helpers of a folder stand in packages of their own; an entry may be a package."""
    files = {path.stem for path in (SOURCE / folder).glob("*.py")} - {"__init__", BASE}
    assert {name.split(".")[1 + len(Path(folder).parts)] for name in listed} >= files


@pytest.mark.parametrize(("base", "table"), [(Cell, CELLS), (Field, FIELDS), (Topology, TOPOLOGIES)])
def test_every_class_of_a_kind_is_in_its_table(base, table):
    ours = {cls for cls in every_subclass(base) if cls.__module__.startswith("elman.") and not inspect.isabstract(cls)}
    assert ours == set(table.values())


def every_subclass(cls: type) -> set[type]:
    return {cls for sub in cls.__subclasses__() for cls in (sub, *every_subclass(sub))}


@pytest.mark.parametrize("module", [m.name for m in pkgutil.walk_packages(elman.__path__, "elman.") if m.ispkg])
def test_all_lists_every_public_name_and_nothing_else(module):
    package = importlib.import_module(module)
    tree = ast.parse(Path(package.__file__).read_text())
    taken_in = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module.startswith(f"{module}.")
        for alias in node.names
        if alias.asname is None
    }
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    tables = {name for name, value in vars(package).items() if name.isupper() and isinstance(value, (dict, list))}
    assert set(package.__all__) == taken_in | functions | tables


def test_the_front_door_opens_every_room():
    assert {name for name in elman.__all__ if getattr(elman, name, None) is None} == set()
    folders = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert {name for name in folders if getattr(elman, name, None) is None} == set()
    with pytest.raises(AttributeError, match="no attribute 'LTSM'"):
        _ = elman.LTSM


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_is_short_and_goals_are_for_its_settings(recipe):
    assert len((SOURCE / "recipes" / f"{recipe.name.replace('-', '_')}.py").read_text().splitlines()) <= 120
    assert set(recipe.goals) <= set(recipe.settings)
    assert {recipe.setting(name).data for name in recipe.settings} <= DATASETS.keys()
