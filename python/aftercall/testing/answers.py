"""What surroundings answer in a test: a language model, secrets, configured APIs.

On a server these come from the environment's configuration. Here they are put in for the time of one run, at the three
places where `conv` asks for them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from aftercall.conv.conversation import Conversation
from aftercall.conv.errors import ChatCompletionError, PromptLLMCallLimitError, SecretNotFound
from aftercall.conv.integrations import ApiExecutor, NotConfigured
from aftercall.conv.utils import Utils

Llm = str | Mapping[str, Any] | Exception | Callable[..., Any] | Sequence[Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """What is configured. An exception among the answers is raised; a callable is called, and its result answered."""

    #: Answers of `prompt_llm`: one for every prompt, or a list of them in order, or `f(prompt, **settings)`.
    llm: Llm | None = None
    #: By name.
    secrets: Mapping[str, Any] = field(default_factory=dict)
    #: By `"integration.operation"`: a response (see `response`), plain data for its JSON, or `f(*args, **kwargs)`.
    api: Mapping[str, Any] = field(default_factory=dict)
    #: Calls of `prompt_llm` that one run may make; a further one raises `PromptLLMCallLimitError`. None: no limit.
    llm_calls: int | None = None


@contextmanager
def answering(answers: Answers) -> Iterator[None]:
    """Puts the answers in. What is not configured raises as it does on a server."""
    model = _Model(answers.llm, answers.llm_calls)

    def prompt_llm(self: Utils, prompt: str, **settings: Any) -> Any:
        model.count()
        return asked(self, prompt, **settings) if answers.llm is None else model.answer(prompt, settings)

    def get_secret(self: Utils, secret_name: str) -> Any:
        if secret_name not in answers.secrets:
            raise SecretNotFound(secret_name)
        return _given(answers.secrets[secret_name], secret_name)

    def api(self: Conversation) -> _Apis | ApiExecutor:
        return _Apis(self, answers.api)

    asked = Utils.prompt_llm
    with (
        patch.object(Utils, "prompt_llm", prompt_llm),
        patch.object(Utils, "get_secret", get_secret),
        patch.object(Conversation, "api", property(api)),
    ):
        yield


def _given(answer: Any, *args: Any, **kwargs: Any) -> Any:
    if callable(answer):
        answer = answer(*args, **kwargs)
    if isinstance(answer, BaseException):
        raise answer
    return answer


class _Model:
    """A language model with prepared answers."""

    def __init__(self, llm: Llm | None, calls: int | None) -> None:
        if calls is not None and calls < 0:
            raise ValueError(f"llm_calls is a number of calls, not {calls}")
        self._calls = calls
        self._calls_made = 0
        self._left = list(llm) if isinstance(llm, Sequence) and not isinstance(llm, str) else None
        self._always = llm

    def count(self) -> None:
        """Counts a call, whatever comes of it. `PromptLLMCallLimitError` past the limit."""
        self._calls_made += 1
        if self._calls is not None and self._calls_made > self._calls:
            raise PromptLLMCallLimitError(f"this run may ask the model {self._calls} times")

    def answer(self, prompt: str, settings: dict[str, Any]) -> Any:
        if self._left is not None and not self._left:
            raise ChatCompletionError("this test's model has no answer left: give one for each prompt")
        answer = _given(self._always if self._left is None else self._left.pop(0), prompt, **settings)
        if settings.get("return_json"):
            return _parsed(answer) if isinstance(answer, str) else answer
        return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _parsed(text: str) -> Any:
    """As on a server: a dict, or the text itself where the model gave no JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


class _Apis:
    """`conv.api` with prepared answers."""

    def __init__(self, conv: Conversation, answers: Mapping[str, Any]) -> None:
        self._conv = conv
        self._answers = answers

    def __getattr__(self, name: str) -> _Api:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Api(self._conv, self._answers, name)


class _Api:
    def __init__(self, conv: Conversation, answers: Mapping[str, Any], name: str) -> None:
        self._conv = conv
        self._answers = answers
        self._name = name

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("_"):
            raise AttributeError(operation)
        name = f"{self._name}.{operation}"

        def call(*args: Any, **kwargs: Any) -> Any:
            if name not in self._answers:
                known = ", ".join(sorted(self._answers)) or "nothing"
                raise NotConfigured(f"conv.api.{name}: this test has no answer for it; it has one for: {known}")
            answer = _given(self._answers[name], *args, **kwargs)
            answered = answer if hasattr(answer, "status_code") else response(json=answer)
            self._conv.log_api_response(answered, override_url=answered.url or f"api:{name}")
            return answered

        return call


def response(status: int = 200, *, json: Any = None, text: str | None = None, url: str = "") -> Any:
    """A real `requests.Response`, for `api` answers. Needs `requests`, which `conv.api` gives its answers as."""
    import json as json_module

    from requests import Response

    made = Response()
    made.status_code = status
    made.url = url
    made.encoding = "utf-8"
    made._content = (json_module.dumps(json) if text is None else text).encode()
    if text is None:
        made.headers["Content-Type"] = "application/json"
    return made
