import openai


def use():
    """Makes a client, and knows its resources."""
    client = openai.OpenAI(api_key="example", max_retries=0)
    return [client.base_url.host, hasattr(client.chat.completions, "create")]


def send():
    """Asks a model."""
    openai.OpenAI(api_key="example", max_retries=0).chat.completions.create(
        model="any", messages=[{"role": "user", "content": "Hello"}]
    )


EXPECTED = ["api.openai.com", True]
