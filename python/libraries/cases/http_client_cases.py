import http.client
import ssl
from urllib.parse import urlsplit


def _connection(url, timeout=None, verify=True, certificate=None):
    parts = urlsplit(url)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.netloc, timeout=timeout), url[url.index(parts.path) :]
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context = ssl._create_unverified_context()
    if certificate:
        context.load_cert_chain(certificate)
    return http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=context), url[url.index(parts.path) :]


def call(method, url, body=None, headers=None, connect=None, read=None, verify=True, certificate=None):
    timeouts = [seconds for seconds in (connect, read) if seconds]
    connection, path = _connection(url, min(timeouts) if timeouts else None, verify, certificate)
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    return [response.status, response.getheader("Content-Type"), response.read().decode("latin-1")]


def stream(url, read=None):
    connection, path = _connection(url, read)
    connection.request("GET", path)
    response = connection.getresponse()
    pieces = []
    while piece := response.read1():
        pieces.append(piece.decode())
    return pieces


def reason(url):
    connection, path = _connection(url)
    connection.request("GET", path)
    return connection.getresponse().reason


def _kept_alive(w):
    connection, path = _connection(w["http"] + "/echo")
    found = []
    for n in range(3):
        connection.request("POST", path, body=str(n))
        response = connection.getresponse()
        found.append(response.read().decode())
    return found


def _by_hand(w):
    connection, path = _connection(w["http"] + "/echo")
    connection.putrequest("PUT", path)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for piece in (b"3\r\none\r\n", b"3\r\ntw", b"o\r\n", b"0\r\n\r\n"):
        connection.send(piece)
    return connection.getresponse().read().decode()


CASES = {"kept_alive": _kept_alive, "by_hand": _by_hand}
