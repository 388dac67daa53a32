"""The SDKs that stand on the libraries, each doing what it is for."""

import asyncio
import logging

import anthropic
import boto3
import openai
import sentry_sdk
import slack_sdk
import slack_sdk.web.async_client
import stripe
import twilio.base.exceptions
import twilio.rest
from botocore.config import Config

logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)

MESSAGES = [{"role": "user", "content": "hi"}]


def _aws(service, address, retries=0):
    config = Config(
        retries={"max_attempts": retries}, s3={"addressing_style": "path"}, connect_timeout=0.5, read_timeout=0.5
    )
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "eu-west-1"}
    return boto3.client(service, endpoint_url=address, config=config, **keys)


def _s3(w):
    client = _aws("s3", w["http"])
    client.put_object(Bucket="bucket", Key="echo", Body=b"object" * 1000)
    return client.get_object(Bucket="bucket", Key="echo")["Body"].read().decode()[:40]


def _openai(base, **more):
    return openai.OpenAI(api_key="k", base_url=base, max_retries=0, **more)


def _openai_stream(w):
    stream = _openai(w["http"]).chat.completions.create(model="m", messages=MESSAGES, stream=True)
    return [chunk.choices[0].delta.content for chunk in stream]


def _openai_async(w):
    async def main():
        client = openai.AsyncOpenAI(api_key="k", base_url=w["http"], max_retries=0)
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        words = [chunk.choices[0].delta.content async for chunk in stream]
        answer = await client.chat.completions.create(model="m", messages=MESSAGES)
        return [words, answer.choices[0].message.content]

    return asyncio.run(main())


def _openai_ask(base, **more):
    return _openai(base, **more).chat.completions.create(model="m", messages=MESSAGES).choices[0].message.content


def _anthropic(base, **more):
    client = anthropic.Anthropic(api_key="k", base_url=base, max_retries=0, **more)
    return client.messages.create(model="m", max_tokens=9, messages=MESSAGES).content[0].text


def _anthropic_stream(w):
    client = anthropic.Anthropic(api_key="k", base_url=w["http"], max_retries=0)
    with client.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
        return list(stream.text_stream)


def _stripe(base):
    client = stripe.StripeClient("sk_test", base_addresses={"api": base}, max_network_retries=0)
    return client.v1.customers.create({"email": "a@b.example"}).id


def _twilio(base):
    client = twilio.rest.Client("AC1", "token")
    client.api.base_url = base
    return client.messages.create(to="+15550100", from_="+15550101", body="hi").sid


def _slack(base):
    return slack_sdk.WebClient(token="x", base_url=base + "/").chat_postMessage(channel="C1", text="hi").data


def _slack_async(w):
    async def main():
        client = slack_sdk.web.async_client.AsyncWebClient(token="x", base_url=w["http"] + "/")
        return (await client.chat_postMessage(channel="C1", text="hi")).data

    return asyncio.run(main())


def _sentry(w):
    # Its reports hold times and ids: what arrives is compared by its address only.
    sentry_sdk.init(w["http"].replace("://", "://key@", 1) + "/opaque/1", default_integrations=False)
    sentry_sdk.capture_message("hello")
    sentry_sdk.flush(5)
    client = sentry_sdk.get_client()
    client.close(timeout=5)
    return "flushed"


ALL = {
    "s3": _s3,
    "sqs": lambda w: _aws("sqs", w["http"]).list_queues()["ResponseMetadata"]["HTTPStatusCode"],
    "aws_refused": lambda w: _aws("s3", w["refused"]).list_buckets(),
    "aws_no_such_name": lambda w: _aws("s3", w["nowhere"]).list_buckets(),
    "aws_connect_timeout": lambda w: _aws("s3", w["unreached"]).list_buckets(),
    "aws_read_timeout": lambda w: _aws("s3", w["http"]).get_object(Bucket="slow", Key="x"),
    "aws_closed": lambda w: _aws("s3", w["http"]).get_object(Bucket="close", Key="x"),
    "aws_unknown_authority": lambda w: _aws("s3", w["https"]).list_buckets(),
    "aws_status": lambda w: _aws("s3", w["http"]).get_object(Bucket="status", Key="404"),
    "openai": lambda w: _openai_ask(w["http"]),
    "openai_stream": _openai_stream,
    "openai_async": _openai_async,
    "openai_refused": lambda w: _openai_ask(w["refused"]),
    "openai_timeout": lambda w: _openai_ask(w["http"] + "/slow/x", timeout=0.3),
    "openai_status": lambda w: _openai(w["http"] + "/status/429").models.list(),
    "openai_unknown_authority": lambda w: _openai_ask(w["https"]),
    "anthropic": lambda w: _anthropic(w["http"]),
    "anthropic_stream": _anthropic_stream,
    "anthropic_refused": lambda w: _anthropic(w["refused"]),
    "anthropic_unknown_authority": lambda w: _anthropic(w["https"]),
    "stripe": lambda w: _stripe(w["http"]),
    "stripe_refused": lambda w: _stripe(w["refused"]),
    "stripe_no_tls_there": lambda w: _stripe(w["not_tls"]),
    "twilio": lambda w: _twilio(w["http"]),
    "twilio_refused": lambda w: _twilio(w["refused"]),
    "twilio_status": lambda w: _twilio(w["http"] + "/status/400"),
    "slack": lambda w: _slack(w["http"]),
    "slack_async": _slack_async,
    "slack_refused": lambda w: _slack(w["refused"]),
    "sentry": _sentry,
}
