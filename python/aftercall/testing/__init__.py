"""Unit tests of end functions, without a server: the same `conv`, and all that the function did with it.

    from aftercall import testing
    from functions.end_function import end_function

    def test_a_refund_is_counted():
        result = testing.run(end_function, testing.conversation(turns=[("user", "My money back, please")]))
        result.raise_for_error()
        assert ("INTENT", "refund") in result.metrics

Under pytest a project's modules can be imported as on a server (`aftercall.testing.plugin`); elsewhere within
`with testing.project("path/to/project") as tested:`.
"""

from __future__ import annotations

from aftercall.client.answers import Metric
from aftercall.testing.answers import Answers, response
from aftercall.testing.builders import conversation
from aftercall.testing.rules import TestedProject, project
from aftercall.testing.running import LogEntry, Result, run

__all__ = ["Answers", "LogEntry", "Metric", "Result", "TestedProject", "conversation", "project", "response", "run"]
