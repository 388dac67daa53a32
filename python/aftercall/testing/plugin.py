"""The pytest plugin: in a test run of a project, its modules can be imported as on a server.

A test run is one of a project when the setting `aftercall_project` names its folder, or when the folder that pytest
takes for its root is laid out as one (`functions/end_function.py`). Then

    from functions.end_function import end_function

works at the top of a test file, `_gen` and the other names can be imported, and all of it is gone when the run is over.
`-p no:aftercall` leaves it all out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aftercall.testing.rules import TestedProject

_SETTING = "aftercall_project"
_ENTRY = "functions/end_function.py"
_active: list[TestedProject] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting."""
    parser.addini(_SETTING, "the folder of the Aftercall project that is tested, from pytest's root folder", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before the first conftest is imported: it may import the project too."""
    named = str(early_config.getini(_SETTING))
    folder = Path(early_config.rootpath, named)
    if named or (folder / _ENTRY).is_file():
        # Imported only now: the plugin is there in every test run of whoever has the package.
        from aftercall.testing.rules import find

        tested = find(folder)
        tested.enter()
        _active.append(tested)


def pytest_unconfigure() -> None:
    """At the end."""
    while _active:
        _active.pop().leave()


@pytest.fixture
def aftercall_project(request: pytest.FixtureRequest) -> Iterator[TestedProject]:
    """The project of the test run: `aftercall_project.run(conversation)` calls its end function."""
    if not _active:
        pytest.fail(f"this is no test run of a project: {request.config.rootpath} has no {_ENTRY}; set {_SETTING}")
    yield _active[-1]
