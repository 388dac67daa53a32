# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""`_gen`: every name that end functions import from it. Also what `imports` and `polyai` hold."""

from typing import TypeAlias

from _gen.conversation import Conversation as Conversation
from _gen.decorators import func_description as func_description
from _gen.decorators import func_latency_control as func_latency_control
from _gen.decorators import func_parameter as func_parameter
from _gen.dial import AgenticDial as AgenticDial
from _gen.dial import AgenticDialConfig as AgenticDialConfig
from _gen.dial import AgenticDialData as AgenticDialData
from _gen.dial import Destination as Destination
from _gen.dial import Destinations as Destinations
from _gen.dial import MessageToChild as MessageToChild
from _gen.dial import MessageToParent as MessageToParent
from _gen.entities import Address as Address
from _gen.entities import AlphanumericConfig as AlphanumericConfig
from _gen.entities import BaseRangeConfig as BaseRangeConfig
from _gen.entities import CurrencyConfig as CurrencyConfig
from _gen.entities import DateConfig as DateConfig
from _gen.entities import EmailConfig as EmailConfig
from _gen.entities import Entities as Entities
from _gen.entities import EntityConfig as EntityConfig
from _gen.entities import EntityType as EntityType
from _gen.entities import EntityValidationResult as EntityValidationResult
from _gen.entities import EnumConfig as EnumConfig
from _gen.entities import FreeTextConfig as FreeTextConfig
from _gen.entities import NameConfig as NameConfig
from _gen.entities import NonNegativeMaxRangeConfig as NonNegativeMaxRangeConfig
from _gen.entities import NumericConfig as NumericConfig
from _gen.entities import NumericType as NumericType
from _gen.entities import PhoneNumberConfig as PhoneNumberConfig
from _gen.entities import QuantityConfig as QuantityConfig
from _gen.entities import TimeConfig as TimeConfig
from _gen.errors import ChatCompletionError as ChatCompletionError
from _gen.errors import ExtractionError as ExtractionError
from _gen.errors import InvalidInput as InvalidInput
from _gen.errors import MissingAccess as MissingAccess
from _gen.errors import MissingHandoff as MissingHandoff
from _gen.errors import MissingTemplate as MissingTemplate
from _gen.errors import PromptLLMCallLimitError as PromptLLMCallLimitError
from _gen.errors import SecretNotFound as SecretNotFound
from _gen.errors import SMSClientFailure as SMSClientFailure
from _gen.errors import SMSIntegrationNotFound as SMSIntegrationNotFound
from _gen.errors import SMSMissingAssistantAccess as SMSMissingAssistantAccess
from _gen.events import Event as Event
from _gen.events import ExternalEvents as ExternalEvents
from _gen.events import GenericExternalEvent as GenericExternalEvent
from _gen.events import SMSReceived as SMSReceived
from _gen.flow import Flow as Flow
from _gen.flow import FlowFunctionExecutor as FlowFunctionExecutor
from _gen.flow import FlowTransition as FlowTransition
from _gen.flow import FunctionExecutor as FunctionExecutor
from _gen.flow import StepTransition as StepTransition
from _gen.flow import Transition as Transition
from _gen.handoff import Handoff as Handoff
from _gen.handoff import HandoffConfig as HandoffConfig
from _gen.history import AgentResponse as AgentResponse
from _gen.history import UserInput as UserInput
from _gen.integrations import ApiExecutor as ApiExecutor
from _gen.integrations import ApiIntegrationData as ApiIntegrationData
from _gen.integrations import Integration as Integration
from _gen.integrations import Integrations as Integrations
from _gen.integrations import OpenTable as OpenTable
from _gen.integrations import Tripleseat as Tripleseat
from _gen.log import ConversationLogger as ConversationLogger
from _gen.log import log as log
from _gen.memory import ContextVault as ContextVault
from _gen.memory import Memory as Memory
from _gen.metrics import MetricEvent as MetricEvent
from _gen.sms import OutgoingEmail as OutgoingEmail
from _gen.sms import OutgoingSMS as OutgoingSMS
from _gen.sms import OutgoingSMSTemplate as OutgoingSMSTemplate
from _gen.sms import SMSClient as SMSClient
from _gen.sms import SMSCredentials as SMSCredentials
from _gen.sms import SMSObj as SMSObj
from _gen.sms import SMSSentEvent as SMSSentEvent
from _gen.sms import SMSTemplate as SMSTemplate
from _gen.sms import TelnyxSMSClient as TelnyxSMSClient
from _gen.sms import TwilioSMSClient as TwilioSMSClient
from _gen.state import ReadOnlyDict as ReadOnlyDict
from _gen.state import RealtimeConfig as RealtimeConfig
from _gen.state import State as State
from _gen.utils import Utils as Utils
from _gen.variant import ASRBiasing as ASRBiasing
from _gen.variant import TranslationReplacementProxy as TranslationReplacementProxy
from _gen.variant import Variant as Variant
from _gen.voice import CartesiaVoice as CartesiaVoice
from _gen.voice import CustomVoice as CustomVoice
from _gen.voice import ElevenLabsVoice as ElevenLabsVoice
from _gen.voice import Emotion as Emotion
from _gen.voice import EmotionIntensity as EmotionIntensity
from _gen.voice import EmotionIntensityValue as EmotionIntensityValue
from _gen.voice import EmotionKind as EmotionKind
from _gen.voice import EmotionKindValue as EmotionKindValue
from _gen.voice import GoogleVoice as GoogleVoice
from _gen.voice import HumeVoice as HumeVoice
from _gen.voice import MinimaxVoice as MinimaxVoice
from _gen.voice import PlayHTVoice as PlayHTVoice
from _gen.voice import RimeVoice as RimeVoice
from _gen.voice import TTSVoice as TTSVoice
from _gen.voice import VoiceType as VoiceType
from _gen.voice import VoiceWeighting as VoiceWeighting
from _gen.webchat import Attachment as Attachment
from _gen.webchat import ChatCallAction as ChatCallAction
from _gen.webchat import WebchatInterface as WebchatInterface

SupportedLanguageCodes: TypeAlias = str
__all__ = [
    "ASRBiasing",
    "Address",
    "AgentResponse",
    "AgenticDial",
    "AgenticDialConfig",
    "AgenticDialData",
    "AlphanumericConfig",
    "ApiExecutor",
    "ApiIntegrationData",
    "Attachment",
    "BaseRangeConfig",
    "CartesiaVoice",
    "ChatCallAction",
    "ChatCompletionError",
    "ContextVault",
    "Conversation",
    "ConversationLogger",
    "CurrencyConfig",
    "CustomVoice",
    "DateConfig",
    "Destination",
    "Destinations",
    "ElevenLabsVoice",
    "EmailConfig",
    "Emotion",
    "EmotionIntensity",
    "EmotionIntensityValue",
    "EmotionKind",
    "EmotionKindValue",
    "Entities",
    "EntityConfig",
    "EntityType",
    "EntityValidationResult",
    "EnumConfig",
    "Event",
    "ExternalEvents",
    "ExtractionError",
    "Flow",
    "FlowFunctionExecutor",
    "FlowTransition",
    "FreeTextConfig",
    "FunctionExecutor",
    "GenericExternalEvent",
    "GoogleVoice",
    "Handoff",
    "HandoffConfig",
    "HumeVoice",
    "Integration",
    "Integrations",
    "InvalidInput",
    "Memory",
    "MessageToChild",
    "MessageToParent",
    "MetricEvent",
    "MinimaxVoice",
    "MissingAccess",
    "MissingHandoff",
    "MissingTemplate",
    "NameConfig",
    "NonNegativeMaxRangeConfig",
    "NumericConfig",
    "NumericType",
    "OpenTable",
    "OutgoingEmail",
    "OutgoingSMS",
    "OutgoingSMSTemplate",
    "PhoneNumberConfig",
    "PlayHTVoice",
    "PromptLLMCallLimitError",
    "QuantityConfig",
    "ReadOnlyDict",
    "RealtimeConfig",
    "RimeVoice",
    "SMSClient",
    "SMSClientFailure",
    "SMSCredentials",
    "SMSIntegrationNotFound",
    "SMSMissingAssistantAccess",
    "SMSObj",
    "SMSReceived",
    "SMSSentEvent",
    "SMSTemplate",
    "SecretNotFound",
    "State",
    "StepTransition",
    "SupportedLanguageCodes",
    "TTSVoice",
    "TelnyxSMSClient",
    "TimeConfig",
    "Transition",
    "TranslationReplacementProxy",
    "Tripleseat",
    "TwilioSMSClient",
    "UserInput",
    "Utils",
    "Variant",
    "VoiceType",
    "VoiceWeighting",
    "WebchatInterface",
    "func_description",
    "func_latency_control",
    "func_parameter",
    "log",
]
