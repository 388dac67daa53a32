def summarise(conv):
    """What was said, in a few words: no network, no clock, so it is easy to test."""
    turns = list(conv.history)
    said = [turn.text for turn in turns if turn.role == "user" and turn.text]
    text = f"{len(turns)} turns; the caller began with {said[0]!r}" if said else "the caller said nothing"
    return {"turns": len(turns), "user_turns": len(said), "text": text}
