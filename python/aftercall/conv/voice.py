"""Voices: during the call they chose how the agent sounds. After it they are values, kept and compared."""

from __future__ import annotations

from enum import Enum

from aftercall.conv.record import Record


class TTSVoice(Record):
    """A voice of a provider, with the provider's own settings."""

    def __init__(self, provider: str, provider_voice_id: str, config: dict[str, object] | None = None) -> None:
        self.provider = provider
        self.provider_voice_id = provider_voice_id
        self.config = {name: value for name, value in (config or {}).items() if value is not None}

    def __getattr__(self, name: str) -> object:
        # The providers' settings (`speed`, `stability`, …) read as attributes. Asked for before `config` is there
        # (by `copy` or when state is rebuilt), there is none.
        if name.startswith("__") or "config" not in self.__dict__:
            raise AttributeError(name)
        return self.config.get(name)

    def to_dict(self) -> dict[str, object]:
        """Provider, voice and settings."""
        return {
            "provider": self.provider,
            "provider_voice_id": self.provider_voice_id,
            "config": dict(self.config),
        }


class CustomVoice(TTSVoice):
    """A voice of a provider that has no class of its own."""

    def __init__(self, provider: str, provider_voice_id: str, **kwargs: object) -> None:
        super().__init__(provider, provider_voice_id, kwargs)


class ElevenLabsVoice(TTSVoice):
    """A voice of ElevenLabs."""

    def __init__(
        self,
        provider_voice_id: str,
        similarity_boost: float | None = None,
        stability: float | None = None,
        model_id: str | None = None,
        speed: float | None = None,
    ) -> None:
        settings = {"similarity_boost": similarity_boost, "stability": stability}
        super().__init__("elevenlabs", provider_voice_id, {**settings, "model_id": model_id, "speed": speed})


class RimeVoice(TTSVoice):
    """A voice of Rime."""

    def __init__(self, provider_voice_id: str, speech_alpha: float | None = None, model_id: str | None = None) -> None:
        super().__init__("rime", provider_voice_id, {"speech_alpha": speech_alpha, "model_id": model_id})


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


EmotionKindValue = EmotionKind
EmotionIntensityValue = EmotionIntensity


class Emotion(Record):
    """A kind and an intensity."""

    def __init__(self, kind: EmotionKind | None = None, intensity: EmotionIntensity | None = None) -> None:
        self.kind = kind
        self.intensity = intensity

    def to_dict(self) -> dict[str, object]:
        """The names of both."""
        return {
            "kind": self.kind.name if self.kind else None,
            "intensity": self.intensity.name if self.intensity else None,
        }


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
    ) -> None:
        settings: dict[str, object] = {"speed": speed, "emotions": emotions, "model_id": model_id}
        more = {"volume": volume, "emotion": emotion, "language": language}
        super().__init__("cartesia", provider_voice_id, settings | more)


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
    ) -> None:
        settings: dict[str, object] = {"speed": speed, "temperature": temperature, "emotion": emotion}
        guidance = {
            "voice_guidance": voice_guidance,
            "style_guidance": style_guidance,
            "voice_engine": voice_engine,
        }
        super().__init__("playht", provider_voice_id, settings | guidance)


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
    ) -> None:
        settings: dict[str, object] = {
            "model_id": model_id,
            "speed": speed,
            "vol": vol,
            "pitch": pitch,
            "emotion": emotion,
        }
        super().__init__("minimax", voice_id, settings)


class HumeVoice(TTSVoice):
    """A voice of Hume."""

    def __init__(
        self,
        provider_voice_id: str,
        voice_description: str | None = None,
        version: str | None = None,
        instant_mode: bool | None = None,
        provider: str | None = None,
    ) -> None:
        settings: dict[str, object] = {"voice_description": voice_description, "version": version}
        super().__init__("hume", provider_voice_id, settings | {"instant_mode": instant_mode, "source": provider})


class GoogleVoice(TTSVoice):
    """A voice of Google."""

    def __init__(self, provider_voice_id: str, gender: str | None = None) -> None:
        super().__init__("google", provider_voice_id, {"gender": gender})


VoiceType = (
    CustomVoice | ElevenLabsVoice | PlayHTVoice | CartesiaVoice | RimeVoice | MinimaxVoice | HumeVoice | GoogleVoice
)


class VoiceWeighting(Record):
    """A voice and how often it is chosen, against the others."""

    def __init__(self, voice: VoiceType, weight: float | None = None) -> None:
        self.voice = voice
        self.weight = weight
