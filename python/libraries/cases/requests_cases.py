import io
import warnings

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

warnings.simplefilter("ignore")


def call(method, url, body=None, headers=None, connect=None, read=None, verify=True, certificate=None):
    response = requests.request(
        method, url, data=body, headers=headers, timeout=(connect, read), verify=verify, cert=certificate
    )
    return [response.status_code, response.headers.get("Content-Type"), response.text]


def stream(url, read=None):
    with requests.get(url, stream=True, timeout=read) as response:
        if "event-stream" in response.headers.get("Content-Type", ""):
            return list(response.iter_lines(decode_unicode=True))
        return [piece.decode() for piece in response.iter_content(None)]


def reason(url):
    return requests.get(url).reason


def _session(w):
    with requests.Session() as session:
        session.headers["X-Case"] = "kept"
        first = session.get(w["http"] + "/redirect/302")
        more = [session.post(w["http"] + "/echo", json={"n": n}).json() for n in range(4)]
        return [first.json(), len(first.history), more, session.cookies.get_dict()]


def _retries(w):
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(3, status_forcelist=[503], backoff_factor=0.01)))
        return session.get(w["http"] + "/flaky").text


def _retries_end(w):
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(2, status_forcelist=[500], backoff_factor=0.01)))
        return session.get(w["http"] + "/status/500").text


def _left_early(w):
    with requests.get(w["http"] + "/endless", stream=True) as response:
        return next(response.iter_lines()).decode()


CASES = {
    "session": _session,
    "retries": _retries,
    "retries_end": _retries_end,
    "left_early": _left_early,
    "auth": lambda w: requests.get(w["http"] + "/auth", auth=("u", "p")).json(),
    "json": lambda w: requests.post(w["http"] + "/echo", json={"a": ["é", 1]}).json(),
    "form": lambda w: requests.post(w["http"] + "/echo", data={"a": "b c", "d": ["1", "2"]}).json(),
    "multipart": lambda w: requests.post(
        w["http"] + "/echo", files={"f": ("a.txt", b"content", "text/plain")}, data={"k": "v"}
    ).json()["body"],
    "upload_stream": lambda w: requests.post(w["http"] + "/echo", data=iter([b"one", b"two"])).json()["body"],
    "upload_file": lambda w: requests.post(w["http"] + "/echo", data=io.BytesIO(b"file" * 5)).json()["body"],
    "raise_for_status": lambda w: requests.get(w["http"] + "/status/422").raise_for_status(),
    "raw": lambda w: requests.get(w["http"] + "/big", stream=True).raw.read(1000).hex(),
    "proxy": lambda w: requests.get(w["http"] + "/echo", proxies={"http": w["http"]}).json()["method"],
    "proxy_tunnel": lambda w: requests.get(w["https"] + "/echo", proxies={"https": w["http"]}, verify=w["ca"]).json()[
        "method"
    ],
    "proxy_refused": lambda w: requests.get(w["http"] + "/echo", proxies={"http": w["refused"]}).text,
}
