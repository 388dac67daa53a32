"""What can be told about a project without running it: `aftercall check`, and what `aftercall init --from` reports.

Only what can be reached from the end function is looked at: files that the project keeps for the call itself say
nothing about what comes after it. What a look at the source cannot be sure of is a warning; an error is what is
certain to fail. Whether the project can be imported is tried elsewhere (`aftercall._runtime.project.load`).
"""

from __future__ import annotations

from aftercall._runtime.check import conversation, entry_point, imports, names, surroundings
from aftercall._runtime.check.findings import Finding
from aftercall._runtime.check.sources import Sources
from aftercall._runtime.imports import Project

#: The checks, each on every file that is reached.
_CHECKS = (imports.check, names.check, conversation.check, surroundings.check)


def check_project(project: Project) -> list[dict[str, object]]:
    """Errors and warnings of a project's files: `level`, `code`, `message`, `file`, `line`, `fix` and `when`."""
    return [finding.document() for finding in findings(Sources(project)) if finding.level != "note"]


def findings(sources: Sources) -> list[Finding]:
    """All findings, notes among them, in order of file and line."""
    found: list[Finding] = list(entry_point.check(sources))
    for source in sources.reached():
        if source.failure is not None:
            found.append(entry_point.syntax(source, source.failure, at_start=sources.is_at_start(source)))
            continue
        for check in _CHECKS:
            found += check(source, sources)
    unique = {(one.code, one.file, one.line, one.message): one for one in found}
    return sorted(unique.values(), key=lambda one: (one.file != sources.entry, one.file, one.line, one.code))
