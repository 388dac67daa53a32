"""The cases that every library has. `library` is a module with `call`, `stream`, `reason`: see `requests_cases.py`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

#: Seconds, of time-outs that are to strike.
SHORT = 0.3


def cases(library):
    """Name → function of the world, whose addresses end with the case's own folder."""
    call, stream = library.call, library.stream

    def get(path, **more):
        return lambda w: call("GET", w["http"] + path, **more)

    def streamed(path):
        return lambda w: stream(w["http"] + path)

    found = {
        "get": get("/echo?q=a%20b&r=1"),
        "post": lambda w: call("POST", w["http"] + "/echo", body=b"hello", headers={"Content-Type": "text/plain"}),
        "put_large": lambda w: call("PUT", w["http"] + "/echo", body=b"x" * 300_000)[0],
        "delete": lambda w: call("DELETE", w["http"] + "/echo"),
        "head": lambda w: call("HEAD", w["http"] + "/big"),
        "gzip": get("/gzip", headers={"Accept-Encoding": "gzip"}),
        "big": lambda w: [call("GET", w["http"] + "/big")[0], len(call("GET", w["http"] + "/big")[2])],
        "chunked": get("/chunked"),
        "until_close": get("/until-close"),
        **{f"status_{status}": get(f"/status/{status}") for status in (201, 204, 304, 400, 404, 422, 429, 500, 503)},
        "reason_in_latin_1": lambda w: library.reason(w["http"] + "/reason"),
        "many_headers": get("/many-headers"),
        "stream": streamed("/chunked"),
        "server_sent_events": streamed("/sse"),
        "redirect": get("/redirect/302"),
        "redirect_keeps_method": lambda w: call("POST", w["http"] + "/redirect/307", body=b"again"),
        "latin_header": get("/echo", headers={"X-Case": "caf\xe9"}),
        "expect": lambda w: call("POST", w["http"] + "/echo", body=b"hello", headers={"Expect": "100-continue"}),
        "threads": lambda w: sorted(
            ThreadPoolExecutor(6).map(lambda n: call("GET", f"{w['http']}/echo?n={n}")[0], range(12))
        ),
        "refused": lambda w: call("GET", w["refused"] + "/"),
        "refused_post": lambda w: call("POST", w["refused"] + "/", body=b"x"),
        "no_such_name": lambda w: call("GET", w["nowhere"] + "/"),
        "connect_timeout": lambda w: call("GET", w["unreached"] + "/", connect=SHORT, read=5),
        "read_timeout": get("/slow", connect=5, read=SHORT),
        "read_timeout_post": lambda w: call("POST", w["http"] + "/slow", body=b"x", connect=5, read=SHORT),
        "body_timeout": get("/slow-body", connect=5, read=SHORT),
        "body_timeout_streamed": lambda w: stream(w["http"] + "/slow-body", read=SHORT),
        "closed": get("/close"),
        "closed_post": lambda w: call("POST", w["http"] + "/close", body=b"x"),
        "reset": get("/reset"),
        "garbage": get("/garbage"),
        "truncated": get("/truncated"),
        "truncated_chunks": get("/truncated-chunked"),
        "truncated_stream": streamed("/truncated-chunked"),
        "unknown_authority": lambda w: call("GET", w["https"] + "/echo"),
        "unverified": lambda w: call("GET", w["https"] + "/echo", verify=False),
        "own_authority": lambda w: call("GET", w["https"] + "/echo", verify=w["ca"]),
        "client_certificate": lambda w: call("GET", w["https"] + "/echo", verify=w["ca"], certificate=w["client"]),
        "no_tls_there": lambda w: call("GET", w["not_tls"] + "/echo"),
        "missing_authority": lambda w: call("GET", w["https"] + "/echo", verify="/nowhere/ca.pem"),
    }
    return {**found, **getattr(library, "CASES", {})}
