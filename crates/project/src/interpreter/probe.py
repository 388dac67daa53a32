"""Asked once of an interpreter: where are your parts? Answers one line of JSON."""
import glob
import json
import os
import ssl
import sys
import sysconfig
import zoneinfo


def existing(paths):
    return list(dict.fromkeys(os.path.abspath(p) for p in paths if p and os.path.exists(p)))


def libpython():
    name = sysconfig.get_config_var("INSTSONAME") or sysconfig.get_config_var("LDLIBRARY") or ""
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return None
    folders = (sysconfig.get_config_var("LIBDIR"), os.path.join(sys.base_prefix, "lib"))
    found = existing(os.path.join(f, name) for f in folders if f)
    return found[0] if found else None


def pip():
    # An installed one first: it is compiled, and starts in a tenth of the time that one in a wheel needs.
    installed = [path for path in (os.path.join(folder, "pip") for folder in packages) if os.path.isfile(os.path.join(path, "__main__.py"))]
    bundled = os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled")
    folders = [folder for folder in (bundled, sysconfig.get_config_var("WHEEL_PKG_DIR")) if folder]
    wheels = [wheel for folder in folders for wheel in sorted(glob.glob(os.path.join(folder, "pip-*.whl")))]
    found = installed + [os.path.join(wheel, "pip") for wheel in wheels]
    return found[0] if found else None


paths = sysconfig.get_paths()
verify = ssl.get_default_verify_paths()
packages = [paths["purelib"], paths["platlib"], *(p for p in sys.path if p.endswith(("site-packages", "dist-packages")))]
json.dump(
    {
        "executable": os.path.abspath(sys.executable) if sys.executable else "",
        "real_executable": os.path.realpath(sys.executable) if sys.executable else "",
        "implementation": sys.implementation.name,
        "version": sys.version_info[:3],
        "version_text": sys.version.split()[0],
        "abi": sysconfig.get_config_var("EXT_SUFFIX") or "",
        "prefix": os.path.abspath(sys.prefix),
        "base_prefix": os.path.abspath(sys.base_prefix),
        "stdlib": paths["stdlib"],
        "platstdlib": paths["platstdlib"],
        "packages": existing(packages),
        "libpython": libpython(),
        "certificates": existing([verify.cafile, verify.capath, verify.openssl_cafile, verify.openssl_capath]),
        "zoneinfo": existing(zoneinfo.TZPATH),
        "pip": pip(),
    },
    sys.stdout,
)
