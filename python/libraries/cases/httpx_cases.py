import ssl

import httpx


def _options(url, connect, read, verify, certificate):
    context = verify
    if isinstance(verify, str) or certificate:
        context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
        if certificate:
            context.load_cert_chain(certificate)
    return {"timeout": httpx.Timeout(5, connect=connect or 5, read=read or 5), "verify": context}


def call(method, url, body=None, headers=None, connect=None, read=None, verify=True, certificate=None):
    with httpx.Client(**_options(url, connect, read, verify, certificate), follow_redirects=True) as client:
        response = client.request(method, url, content=body, headers=headers)
        return [response.status_code, response.headers.get("Content-Type"), response.text]


def stream(url, read=None):
    with httpx.stream("GET", url, timeout=httpx.Timeout(5, read=read or 5)) as response:
        if "event-stream" in response.headers.get("Content-Type", ""):
            return list(response.iter_lines())
        return [piece.decode() for piece in response.iter_raw()]


def reason(url):
    return [httpx.get(url).reason_phrase, httpx.get(url).extensions["reason_phrase"].decode("latin-1")]


def _left_early(w):
    with httpx.stream("GET", w["http"] + "/endless") as response:
        return next(response.iter_lines())


def _kept_alive(w):
    with httpx.Client(cookies={"a": "b"}) as client:
        return [client.post(w["http"] + "/echo", json={"n": n}).json() for n in range(4)]


CASES = {
    "left_early": _left_early,
    "kept_alive": _kept_alive,
    "auth": lambda w: httpx.get(w["http"] + "/auth", auth=("u", "p")).json(),
    "multipart": lambda w: httpx.post(w["http"] + "/echo", files={"f": ("a.txt", b"content")}).json()["body"],
    "upload_stream": lambda w: httpx.post(w["http"] + "/echo", content=iter([b"one", b"two"])).json()["body"],
    "raise_for_status": lambda w: httpx.get(w["http"] + "/status/422").raise_for_status(),
    "transport_retries": lambda w: httpx.Client(transport=httpx.HTTPTransport(retries=1)).get(w["refused"]).text,
    "proxy": lambda w: httpx.Client(proxy=w["http"]).get(w["http"] + "/echo").json()["method"],
    "proxy_tunnel": lambda w: httpx.Client(proxy=w["http"], verify=False).get(w["https"] + "/echo").json()["method"],
}
