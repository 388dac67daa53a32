import pydantic


class Call(pydantic.BaseModel):
    turns: int
    tags: list[str] = []


def use():
    """Reads a model from JSON, and refuses what does not fit."""
    call = Call.model_validate_json('{"turns": 3, "tags": ["billing"]}')
    try:
        Call(turns="many")
    except pydantic.ValidationError as error:
        return [call.turns, error.error_count()]
    return []


EXPECTED = [3, 1]
