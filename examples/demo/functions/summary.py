def summarise(conv):
    said = [turn.text for turn in conv.history if turn.role == "user" and turn.text]
    topic = conv.state.get("topic") or "no topic"
    return {
        "user_turns": len(said),
        "handed_off": conv.handoff is not None,
        "text": f"{topic}: {said[0]}" if said else f"{topic}: the caller said nothing",
    }
