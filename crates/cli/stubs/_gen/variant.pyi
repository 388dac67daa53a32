# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Variants, translations, biasing: what the project's configuration made of the call."""

from collections.abc import Mapping

from _gen.record import AttributeDict, Record

class Variant(AttributeDict):
    """Attributes of a variant: values are texts, a missing one is None."""

class TranslationReplacementProxy:
    """`conv.translations`: attribute access gives the text for the current language, or None."""

    def __init__(
        self, translations_config: Mapping[str, Mapping[str, str]] | None, language_code: str | None
    ) -> None: ...
    def __getattr__(self, name: str) -> str | None: ...

class ASRBiasing(Record):
    """Words that the recogniser was told to expect."""

    keywords: list[str] | None
    custom_biases: dict[str, float] | None

    def __init__(self, keywords: list[str] | None = None, custom_biases: dict[str, float] | None = None) -> None: ...
