import asyncio
import ssl

import aiohttp


def _ssl(verify, certificate):
    if verify is True and not certificate:
        return True
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        return False
    if certificate:
        context.load_cert_chain(certificate)
    return context


def call(method, url, body=None, headers=None, connect=None, read=None, verify=True, certificate=None):
    async def main():
        timeout = aiohttp.ClientTimeout(total=10, sock_connect=connect, sock_read=read)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, data=body, headers=headers, ssl=_ssl(verify, certificate)) as response,
        ):
            return [response.status, response.headers.get("Content-Type"), (await response.read()).decode("latin-1")]

    return asyncio.run(main())


def stream(url, read=None):
    async def main():
        timeout = aiohttp.ClientTimeout(total=10, sock_read=read)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            return [piece.decode() async for piece in response.content.iter_any()]

    return asyncio.run(main())


def reason(url):
    async def main():
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return ascii(response.reason)

    return asyncio.run(main())


def _session(w):
    async def main():
        async with aiohttp.ClientSession(
            headers={"X-Case": "kept"}, cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as session:
            first = await (await session.get(w["http"] + "/redirect/302")).json()
            more = [await (await session.post(w["http"] + "/echo", json={"n": n})).json() for n in range(4)]
            return [first, more, [cookie.key for cookie in session.cookie_jar]]

    return asyncio.run(main())


def _gathered(w):
    async def main():
        async with aiohttp.ClientSession() as session:

            async def one(path):
                async with session.get(w["http"] + path) as response:
                    return response.status

            return await asyncio.gather(one("/slow"), *(one(f"/echo?n={n}") for n in range(10)))

    return asyncio.run(main())


def _left_early(w):
    async def main():
        async with aiohttp.ClientSession() as session, session.get(w["http"] + "/endless") as response:
            return (await response.content.readline()).decode()

    return asyncio.run(main())


def _uploaded(w):
    async def pieces():
        for piece in (b"one", b"two"):
            await asyncio.sleep(0)
            yield piece

    async def main():
        async with aiohttp.ClientSession() as session, session.put(w["http"] + "/echo", data=pieces()) as response:
            return (await response.json())["body"]

    return asyncio.run(main())


def _multipart(w):
    async def main():
        form = aiohttp.FormData()
        form.add_field("f", b"content", filename="a.txt", content_type="text/plain")
        async with aiohttp.ClientSession() as session, session.post(w["http"] + "/echo", data=form) as response:
            return (await response.json())["body"]

    return asyncio.run(main())


def _traced(w):
    async def main():
        told = []
        trace = aiohttp.TraceConfig()

        async def tell(_session, _context, params):
            told.append(type(params).__name__)

        trace.on_request_start.append(tell)
        trace.on_connection_create_end.append(tell)
        trace.on_request_end.append(tell)
        async with (
            aiohttp.ClientSession(trace_configs=[trace], raise_for_status=True) as session,
            session.get(w["http"] + "/echo", auth=aiohttp.BasicAuth("u", "p")) as response,
        ):
            return [told, await response.json()]

    return asyncio.run(main())


def _slowly_read(w):
    """More than is buffered: the transport is paused and goes on."""

    async def main():
        size = 0
        async with aiohttp.ClientSession(read_bufsize=1024) as session, session.get(w["http"] + "/big") as response:
            while piece := await response.content.read(50_000):
                size += len(piece)
                await asyncio.sleep(0.001)
        return size

    return asyncio.run(main())


def _cancelled(w):
    async def main():
        async with aiohttp.ClientSession() as session:
            try:
                await asyncio.wait_for(session.get(w["http"] + "/slow"), 0.2)
            except TimeoutError:
                async with session.get(w["http"] + "/echo") as response:
                    return response.status

    return asyncio.run(main())


def _total(w):
    async def main():
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as session:
            await session.get(w["http"] + "/slow")

    return asyncio.run(main())


def _proxied(address):
    def case(w):
        async def main():
            async with aiohttp.ClientSession() as session:
                path = w[address] + "/echo"
                async with session.get(path, proxy=w["http"], ssl=_ssl(w["ca"], None)) as response:
                    return (await response.json())["method"]

        return asyncio.run(main())

    return case


CASES = {
    "slowly_read": _slowly_read,
    "cancelled": _cancelled,
    "total_timeout": _total,
    "proxy": _proxied("http"),
    "proxy_tunnel": _proxied("https"),
    "session": _session,
    "gathered": _gathered,
    "left_early": _left_early,
    "upload_stream": _uploaded,
    "multipart": _multipart,
    "traced": _traced,
}
