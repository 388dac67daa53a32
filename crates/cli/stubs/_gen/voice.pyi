# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Voices: during the call they chose how the agent sounds. After it they are values, kept and compared."""

from enum import Enum
from typing import Any, TypeAlias

from _gen.record import Record

class TTSVoice(Record):
    """A voice of a provider, with the provider's own settings."""

    provider: str
    provider_voice_id: str
    config: dict[str, Any] | None

    def __init__(self, provider: str, provider_voice_id: str, config: dict[str, Any] | None = None) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
    def to_dict(self) -> dict[str, Any]:
        """Provider, voice and settings."""

class CustomVoice(TTSVoice):
    """A voice of a provider that has no class of its own."""

    def __init__(self, provider: str, provider_voice_id: str, **kwargs: object) -> None: ...

class ElevenLabsVoice(TTSVoice):
    """A voice of ElevenLabs."""

    def __init__(
        self,
        provider_voice_id: str,
        similarity_boost: float | None = None,
        stability: float | None = None,
        model_id: str | None = None,
        speed: float | None = None,
    ) -> None: ...

class RimeVoice(TTSVoice):
    """A voice of Rime."""

    def __init__(
        self, provider_voice_id: str, speech_alpha: float | None = None, model_id: str | None = None
    ) -> None: ...

class EmotionKind(Enum):
    """What a voice expresses."""

    ANGER = 1
    POSITIVITY = 2
    SURPRISE = 3

class EmotionIntensity(Enum):
    """How strongly."""

    LOWEST = 1
    LOW = 2
    HIGH = 3
    HIGHEST = 4

EmotionKindValue: TypeAlias = EmotionKind
EmotionIntensityValue: TypeAlias = EmotionIntensity

class Emotion(Record):
    """A kind and an intensity."""

    kind: EmotionKind | None
    intensity: EmotionIntensity | None

    def __init__(self, kind: EmotionKind | None = None, intensity: EmotionIntensity | None = None) -> None: ...
    def to_dict(self) -> dict[str, Any]:
        """The names of both."""

class CartesiaVoice(TTSVoice):
    """A voice of Cartesia."""

    def __init__(
        self,
        provider_voice_id: str,
        speed: float | None = None,
        emotions: list[Emotion] | None = None,
        model_id: str | None = None,
        volume: float | None = None,
        emotion: str | None = None,
        language: str | None = None,
    ) -> None: ...

class PlayHTVoice(TTSVoice):
    """A voice of PlayHT."""

    def __init__(
        self,
        provider_voice_id: str,
        speed: float | None = None,
        temperature: float | None = None,
        emotion: str | None = None,
        voice_guidance: int | None = None,
        style_guidance: int | None = None,
        voice_engine: str | None = None,
    ) -> None: ...

class MinimaxVoice(TTSVoice):
    """A voice of Minimax."""

    def __init__(
        self,
        model_id: str,
        voice_id: str,
        speed: float | None = None,
        vol: float | None = None,
        pitch: float | None = None,
        emotion: str | None = None,
    ) -> None: ...

class HumeVoice(TTSVoice):
    """A voice of Hume."""

    def __init__(
        self,
        provider_voice_id: str,
        voice_description: str | None = None,
        version: str | None = None,
        instant_mode: bool | None = None,
        provider: str | None = None,
    ) -> None: ...

class GoogleVoice(TTSVoice):
    """A voice of Google."""

    def __init__(self, provider_voice_id: str, gender: str | None = None) -> None: ...

VoiceType: TypeAlias = (
    CustomVoice | ElevenLabsVoice | PlayHTVoice | CartesiaVoice | RimeVoice | MinimaxVoice | HumeVoice | GoogleVoice
)

class VoiceWeighting(Record):
    """A voice and how often it is chosen, against the others."""

    voice: VoiceType
    weight: float | None

    def __init__(self, voice: VoiceType, weight: float | None = None) -> None: ...
