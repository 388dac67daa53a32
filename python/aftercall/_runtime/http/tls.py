"""What code wants of TLS: the supervisor speaks it, so only names travel: of a bundle of authorities, of a certificate.

Contexts stay real, and refuse what they refuse elsewhere. But the public authorities are not loaded into them: nothing
in this process verifies anything, and a child would take some ten milliseconds for it.
"""

from __future__ import annotations

import os
from errno import ENOENT

from aftercall._runtime.http.site import within_project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from aftercall._runtime.http.request import Origin

_SYSTEM = ("/etc/ssl/", "/etc/pki/", "/usr/lib/ssl/", "/usr/share/ca-certificates/", "/usr/local/share/certs/")
_PACKAGES = ("/site-packages/", "/dist-packages/")
_BUNDLES = frozenset({"cacert.pem", "ca-certificates.crt", "ca-bundle.crt", "cert.pem", "tls-ca-bundle.pem", "certs"})
#: Authorities that code has as data, without a name.
_UNNAMED = "cadata"


def _bundle(path: object) -> bool | str:
    """The name of a bundle; True for those of the system and of packages, which hold the public authorities."""
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
    known = name.rstrip("/").rpartition("/")[2] in _BUNDLES
    if known and (name.startswith(_SYSTEM) or any(folder in name for folder in _PACKAGES)):
        return True
    return within_project(name)


def ssl_imported(module: ModuleType) -> None:
    """Once `ssl` is imported: contexts remember by name what they were given."""
    context = module.SSLContext
    load_verify_locations, load_cert_chain = context.load_verify_locations, context.load_cert_chain

    def remember_authorities(self: object, cafile: object = None, capath: object = None, cadata: object = None) -> None:
        named = cafile or capath
        bundle = _bundle(named) if named else _UNNAMED
        if bundle is not True or cadata or not os.path.exists(named):  # type: ignore[arg-type]
            load_verify_locations(self, cafile, capath, cadata)
        if bundle is not True or cadata:
            self._aftercall_bundle = bundle if bundle is not True else _UNNAMED  # type: ignore[attr-defined]

    def remember_certificate(self: object, certfile: object, keyfile: object = None, password: object = None) -> None:
        load_cert_chain(self, certfile, keyfile, password)
        self._aftercall_certificate = within_project(os.fsdecode(certfile))  # type: ignore[arg-type, attr-defined]

    def leave_defaults(_self: object, *_purpose: object) -> None:
        """The public authorities: the supervisor has them."""

    context.load_verify_locations, context.load_cert_chain = remember_authorities, remember_certificate
    context.load_default_certs = context.set_default_verify_paths = leave_defaults


def want_of_context(context: object, origin: Origin) -> None:
    """Puts into `origin` what a context asks for; None is a default one."""
    if context is None:
        return
    inner = getattr(context, "_ctx", context)  # `truststore` wraps one
    if getattr(context, "verify_mode", 1) == 0:
        origin.verify = False
    else:
        origin.verify = getattr(inner, "_aftercall_bundle", True)
    origin.certificate = getattr(inner, "_aftercall_certificate", None)


def want_of_urllib3(connection: object, origin: Origin) -> None:
    """The same for a connection of `urllib3`, which has files beside a context."""
    want_of_context(getattr(connection, "ssl_context", None), origin)
    asked = getattr(connection, "cert_reqs", None)
    if asked is not None:
        if asked in (0, "CERT_NONE", "NONE"):
            origin.verify = False
        elif origin.verify is False:
            origin.verify = True
    if origin.verify is not False:
        named = getattr(connection, "ca_certs", None) or getattr(connection, "ca_cert_dir", None)
        if named:
            if not os.path.exists(named):
                from urllib3.exceptions import SSLError

                missing = FileNotFoundError(ENOENT, "No such file or directory")
                raise SSLError(missing) from missing
            origin.verify = _bundle(named)
        elif getattr(connection, "ca_cert_data", None):
            origin.verify = _UNNAMED
    certificate = getattr(connection, "cert_file", None)
    if certificate:
        origin.certificate = within_project(os.fsdecode(certificate))
