import boto3


def use():
    """Makes a client from given keys, and presigns a URL, which needs no network."""
    client = boto3.client(
        "s3", region_name="eu-central-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example"
    )
    return client.generate_presigned_url("get_object", Params={"Bucket": "calls", "Key": "1"}).startswith("https://calls.s3")


def send(url):
    """Asks for a list of what stands in for the service."""
    client = boto3.client(
        "dynamodb", endpoint_url=url, region_name="eu-central-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example"
    )
    assert client.list_tables()["ResponseMetadata"]["HTTPStatusCode"] == 201


EXPECTED = True
