import ssl
import urllib.request


def call(method, url, body=None, headers=None, connect=None, read=None, verify=True, certificate=None):
    context = None
    if url.startswith("https"):
        context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
        if verify is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(certificate)
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    timeouts = [seconds for seconds in (connect, read) if seconds]
    with urllib.request.urlopen(request, timeout=min(timeouts) if timeouts else None, context=context) as response:
        return [response.status, response.headers.get("Content-Type"), response.read().decode("latin-1")]


def stream(url, read=None):
    with urllib.request.urlopen(url, timeout=read) as response:
        return [line.decode() for line in response]


def reason(url):
    with urllib.request.urlopen(url) as response:
        return response.reason
