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
        named = [place for place in (cafile, capath) if place]
        bundles = [_bundle(place) for place in named]
        usual = bool(named) and all(bundle is True for bundle in bundles) and not cadata
        if not usual or not all(os.path.exists(place) for place in named):  # type: ignore[arg-type]
            load_verify_locations(self, cafile, capath, cadata)
        for bundle in [*bundles, *([_UNNAMED] if cadata else ())]:
            if bundle is True:
                self._aftercall_usual = True  # type: ignore[attr-defined]
            else:
                self._aftercall_bundles = (*getattr(self, "_aftercall_bundles", ()), bundle)  # type: ignore[attr-defined]

    def remember_certificate(self: object, certfile: object, keyfile: object = None, password: object = None) -> None:
        load_cert_chain(self, certfile, keyfile, password)
        self._aftercall_certificate = within_project(os.fsdecode(certfile))  # type: ignore[arg-type, attr-defined]

    def remember_defaults(self: object, *_purpose: object) -> None:
        """The public authorities: the supervisor has them."""
        self._aftercall_usual = True  # type: ignore[attr-defined]

    context.load_verify_locations, context.load_cert_chain = remember_authorities, remember_certificate
    context.load_default_certs = context.set_default_verify_paths = remember_defaults


def want_of_context(context: object, origin: Origin) -> None:
    """Puts into `origin` what a context asks for; None is a default one."""
    if context is None:
        return
    inner = getattr(context, "_ctx", context)  # `truststore` wraps one, and believes the system's besides
    origin.verify = getattr(context, "verify_mode", 1) != 0
    origin.usual = getattr(inner, "_aftercall_usual", inner is not context)
    origin.bundles = getattr(inner, "_aftercall_bundles", ())
    origin.certificate = getattr(inner, "_aftercall_certificate", None)


def want_of_urllib3(connection: object, origin: Origin) -> None:
    """The same for a connection of `urllib3`, which has files beside a context."""
    names = [getattr(connection, name, None) for name in ("server_hostname", "assert_hostname")]
    fingerprint = getattr(connection, "assert_fingerprint", None)
    for problem in (unheard(origin, name, fingerprint) for name in names):
        if problem is not None:
            from urllib3.exceptions import SSLError

            raise SSLError(problem)
    context = getattr(connection, "ssl_context", None)
    want_of_context(context, origin)
    asked = getattr(connection, "cert_reqs", None)
    if asked is not None:
        origin.verify = asked not in (0, "CERT_NONE", "NONE")
    if origin.verify:
        named = getattr(connection, "ca_certs", None) or getattr(connection, "ca_cert_dir", None)
        if named and not os.path.exists(named):
            from urllib3.exceptions import SSLError

            missing = FileNotFoundError(ENOENT, "No such file or directory")
            raise SSLError(missing) from missing
        if named:
            _add(origin, _bundle(named), context)
        elif getattr(connection, "ca_cert_data", None):
            _add(origin, _UNNAMED, context)
    certificate = getattr(connection, "cert_file", None)
    if certificate:
        origin.certificate = within_project(os.fsdecode(certificate))


def unheard(origin: Origin, name: object, fingerprint: object = None) -> str | None:
    """What code asks of TLS that does not travel, told: it must not be taken for done. None if there is nothing.

    `name` is whom it wants the certificate to be of, where that is not the URL's host.
    """
    if fingerprint:
        return (
            f"the code pins the fingerprint of the certificate of {origin.host}, which no run can compare. Pin its "
            "authority instead: let the operator add its file to `ca_files`, and name it (`verify`)"
        )
    if isinstance(name, str) and name.strip("[]").lower() != origin.host.lower():
        return (
            f"the code wants the certificate of {origin.host} to be {name}'s. In a run it is verified for the host "
            "of the URL alone: ask for that"
        )
    return None


def _add(origin: Origin, bundle: bool | str, context: object) -> None:
    """`urllib3` loads files into the context that it was given, else into a new one, which holds nothing else."""
    if context is None:
        origin.usual = False
    if bundle is True:
        origin.usual = True
    else:
        origin.bundles = (*origin.bundles, str(bundle))
