import asyncio

import httpx
from functions.httpx_cases import _options


def call(method, url, body=None, headers=None, connect=None, read=None, verify=True, certificate=None):
    async def main():
        options = _options(url, connect, read, verify, certificate)
        async with httpx.AsyncClient(**options, follow_redirects=True) as client:
            response = await client.request(method, url, content=body, headers=headers)
            return [response.status_code, response.headers.get("Content-Type"), response.text]

    return asyncio.run(main())


def stream(url, read=None):
    async def main():
        timeout = httpx.Timeout(5, read=read or 5)
        async with httpx.AsyncClient() as client, client.stream("GET", url, timeout=timeout) as response:
            if "event-stream" in response.headers.get("Content-Type", ""):
                return [line async for line in response.aiter_lines()]
            return [piece.decode() async for piece in response.aiter_raw()]

    return asyncio.run(main())


def reason(url):
    async def main():
        async with httpx.AsyncClient() as client:
            response = await client.get(url)
            return [response.reason_phrase, response.extensions["reason_phrase"].decode("latin-1")]

    return asyncio.run(main())


def _gathered(w):
    async def main():
        async with httpx.AsyncClient() as client:
            slow = client.get(w["http"] + "/slow")
            quick = [client.get(f"{w['http']}/echo?n={n}") for n in range(10)]
            return [response.status_code for response in await asyncio.gather(slow, *quick)]

    return asyncio.run(main())


def _loop_goes_on(w):
    """While a request is under way the loop does other things."""

    async def main():
        async with httpx.AsyncClient() as client:
            request = asyncio.create_task(client.get(w["http"] + "/slow"))
            ticks = 0
            while not request.done():
                await asyncio.sleep(0.05)
                ticks += 1
            return [(await request).text, ticks > 10]

    return asyncio.run(main())


def _cancelled(w):
    async def main():
        async with httpx.AsyncClient() as client:
            try:
                await asyncio.wait_for(client.get(w["http"] + "/slow"), 0.2)
            except TimeoutError:
                return [(await client.get(w["http"] + "/echo")).status_code]
            return None

    return asyncio.run(main())


def _uvloop(w):
    import uvloop

    async def main():
        async with httpx.AsyncClient() as client:
            asked = [client.get(f"{w['http']}/echo?n={n}") for n in range(5)]
            return [response.status_code for response in await asyncio.gather(*asked)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def _trio(w):
    import trio

    async def main():
        found = []

        async def one(n):
            async with httpx.AsyncClient() as client:
                found.append((await client.get(f"{w['http']}/echo?n={n}")).status_code)

        async with trio.open_nursery() as nursery:
            for n in range(5):
                nursery.start_soon(one, n)
        return found

    return trio.run(main)


def _proxy_tunnel(w):
    async def main():
        async with httpx.AsyncClient(proxy=w["http"], verify=False) as client:
            return (await client.get(w["https"] + "/echo")).json()["method"]

    return asyncio.run(main())


CASES = {
    "proxy_tunnel": _proxy_tunnel,
    "uvloop": _uvloop,
    "trio": _trio,
    "gathered": _gathered,
    "loop_goes_on": _loop_goes_on,
    "cancelled": _cancelled,
}
