"""Variants, translations, biasing: what the project's configuration made of the call."""

from __future__ import annotations

from collections.abc import Mapping

from aftercall.conv.record import AttributeDict, Record


class Variant(AttributeDict):
    """Attributes of a variant: values are texts, a missing one is None."""


class TranslationReplacementProxy:
    """`conv.translations`: attribute access gives the text for the current language, or None."""

    __slots__ = ("_language", "_texts")

    def __init__(self, translations_config: Mapping[str, Mapping[str, str]] | None, language_code: str | None) -> None:
        self._texts = translations_config or {}
        self._language = language_code

    def __getattr__(self, name: str) -> str | None:
        if name.startswith("__") or name in TranslationReplacementProxy.__slots__:
            raise AttributeError(name)
        by_language = self._texts.get(name)
        if by_language is None or self._language is None:
            return None
        return by_language.get(self._language) or by_language.get(self._language.split("-")[0])


class ASRBiasing(Record):
    """Words that the recogniser was told to expect."""

    def __init__(self, keywords: list[str] | None = None, custom_biases: dict[str, float] | None = None) -> None:
        self.keywords = keywords
        self.custom_biases = custom_biases
