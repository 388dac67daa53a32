import openai


def use():
    """Makes a client, and knows its resources."""
    client = openai.OpenAI(api_key="example", max_retries=0)
    return [client.base_url.host, hasattr(client.chat.completions, "create")]


def send(url):
    """Asks what stands in for a model."""
    client = openai.OpenAI(api_key="example", base_url=url, max_retries=0)
    answer = client.chat.completions.create(model="any", messages=[{"role": "user", "content": "Hello"}])
    assert answer.status == 201


EXPECTED = ["api.openai.com", True]
