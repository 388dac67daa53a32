import warnings

import urllib3

warnings.simplefilter("ignore")


def _pool(verify=True, certificate=None):
    options = {"cert_reqs": "CERT_NONE"} if verify is False else {}
    if isinstance(verify, str):
        options["ca_certs"] = verify
    return urllib3.PoolManager(cert_file=certificate, **options)


def call(method, url, body=None, headers=None, connect=None, read=None, verify=True, certificate=None):
    timeout = urllib3.Timeout(connect=connect, read=read)
    response = _pool(verify, certificate).request(
        method, url, body=body, headers=headers, timeout=timeout, retries=urllib3.Retry(3, connect=0, read=0)
    )
    return [response.status, response.headers.get("Content-Type"), response.data.decode("latin-1")]


def stream(url, read=None):
    response = _pool().request("GET", url, preload_content=False, timeout=urllib3.Timeout(read=read), retries=False)
    return [piece.decode() for piece in response.stream(1000)]


def reason(url):
    return _pool().request("GET", url).reason


def _kept_alive(w):
    http = urllib3.PoolManager(maxsize=1)
    found = [http.request("GET", f"{w['http']}/echo?n={n}").status for n in range(5)]
    pool = http.connection_from_url(w["http"])
    return [found, pool.num_requests, pool.num_connections]


CASES = {
    "kept_alive": _kept_alive,
    "fields": lambda w: urllib3.PoolManager().request("POST", w["http"] + "/echo", fields={"a": "1"}).data.decode(),
    "upload_stream": lambda w: _pool().request("PUT", w["http"] + "/echo", body=iter([b"a", b"b"])).data.decode(),
    "no_retries_refused": lambda w: _pool().request("GET", w["refused"] + "/", retries=False).status,
    "no_retries_read_timeout": lambda w: _pool().request("GET", w["http"] + "/slow", retries=False, timeout=0.3).status,
    "no_retries_connect_timeout": lambda w: _pool()
    .request("GET", w["unreached"] + "/", retries=False, timeout=0.3)
    .status,
    "proxy": lambda w: urllib3.ProxyManager(w["http"]).request("GET", w["http"] + "/echo").status,
    "proxy_refused": lambda w: urllib3.ProxyManager(w["refused"]).request("GET", w["http"] + "/", retries=False).status,
}
