import orjson


def use():
    """Writes and reads a document."""
    document = {"id": "desk-2041", "turns": [1, 2.5, None], "text": "Größe"}
    return orjson.loads(orjson.dumps(document)) == document


EXPECTED = True
