import boto3


def use():
    """Makes a client from given keys, and presigns a URL, which needs no network."""
    client = boto3.client(
        "s3", region_name="eu-central-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example"
    )
    return client.generate_presigned_url("get_object", Params={"Bucket": "calls", "Key": "1"}).startswith("https://calls.s3")


def send():
    """Asks for a list."""
    from botocore.config import Config

    once = Config(retries={"max_attempts": 0})
    boto3.client(
        "s3", region_name="eu-central-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example", config=once
    ).list_buckets()


EXPECTED = True
