from dataclasses import dataclass

from _gen import *  # <AUTO GENERATED>


@dataclass
class Analysis:
    turns: int
    topic: str
    resolved: bool
    words: str


def analyse(conv: Conversation) -> Analysis:
    said = [turn for turn in conv.history if isinstance(turn, UserInput) and turn.text]
    words = "\n".join(turn.to_string() for turn in conv.history)
    topic = conv.state.get("topic") or ask_for_topic(conv, words)
    return Analysis(len(conv.history), str(topic), is_resolved(conv, said), words)


def is_resolved(conv: Conversation, said: list[UserInput]) -> bool:
    if conv.handoff is not None:
        conv.log.info("handed over", to=conv.handoff.destination, reason=conv.handoff.reason)
        return False
    return bool(conv.state.resolved) or any("thank" in turn.text.lower() for turn in said)


def ask_for_topic(conv: Conversation, words: str) -> str:
    try:
        answer = conv.utils.prompt_llm(f"Name the topic in two words.\n{words}", return_json=True, model="gpt-4o-mini")
    except (ChatCompletionError, PromptLLMCallLimitError, NotImplementedError) as error:
        conv.log.warning("no model was asked", error=error)
        return "unknown"
    # A model that was asked for JSON may still answer with a text.
    return str(answer.get("topic", "unknown")) if isinstance(answer, dict) else answer
