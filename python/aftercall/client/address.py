"""Where a server is, and which key opens it: said in the call, else by the environment, else as the command has it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

#: The server's socket in its data folder.
SOCKET_NAME = "aftercall.sock"
_EXAMPLE = "Write it as http://HOST:PORT, https://HOST, or unix:PATH for a socket"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address."""

    #: `http`, `https` or `unix`.
    scheme: str
    host: str
    port: int
    #: The socket's path, or what stands before the API's own paths where a proxy serves it below a folder.
    path: str

    def __str__(self) -> str:
        if self.scheme == "unix":
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def prefix(self) -> str:
        """What every path of a request begins with."""
        return "" if self.scheme == "unix" else self.path

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:PATH`. ValueError for anything else."""
        if text.startswith("unix:"):
            path = text.removeprefix("unix:")
            if not path:
                raise ValueError(f"{text!r} names no socket. {_EXAMPLE}")
            return cls("unix", "localhost", 0, path)
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"{text!r} is no address: {error}. {_EXAMPLE}") from error
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{text!r} is no address of a server. {_EXAMPLE}")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError(f"{text!r} holds more than a host and a port. The key is an argument of its own")
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path.rstrip("/"))


def find(url: str | None, environment: Mapping[str, str] | None = None) -> Address:
    """`url`, else AFTERCALL_SERVER, else the socket in AFTERCALL_DATA, else the one in the default data folder."""
    variables = os.environ if environment is None else environment
    text = url or variables.get("AFTERCALL_SERVER")
    if text:
        return Address.parse(text)
    return Address("unix", "localhost", 0, os.path.join(_data_folder(variables), SOCKET_NAME))


def _data_folder(variables: Mapping[str, str]) -> str:
    if folder := variables.get("AFTERCALL_DATA"):
        return folder
    data_home = variables.get("XDG_DATA_HOME", "")
    if os.path.isabs(data_home):
        return os.path.join(data_home, "aftercall")
    home = variables.get("HOME")
    if not home:
        raise ValueError("there is no home folder to look for a server in: give url=… or set AFTERCALL_SERVER")
    return os.path.join(home, ".local/share", "aftercall")
