"""Makes tiny distributions: `make.py FOLDER`, a JSON list of them on standard input, each
{"name", "version", "source", "requires": [...], "tag": "py3-none-any" | "sdist", "backend": source or null}.
"""

import base64
import hashlib
import io
import json
import pathlib
import sys
import tarfile
import zipfile

BACKEND = '''
import base64, hashlib, pathlib, zipfile
{hook}
def build_wheel(directory, config_settings=None, metadata_directory=None):
    return hooked({wheel!r}, base64.b64decode({bytes!r}), directory)
'''


def metadata(one):
    lines = ["Metadata-Version: 2.1", f"Name: {one['name']}", f"Version: {one['version']}"]
    return "\n".join(lines + [f"Requires-Dist: {what}" for what in one.get("requires", [])]) + "\n"


def wheel(one, tag):
    name = f"{one['name'].replace('-', '_')}-{one['version']}"
    info = f"{name}.dist-info"
    files = {
        f"{one['name'].replace('-', '_')}/__init__.py": one["source"],
        f"{info}/METADATA": metadata(one),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{name}-{tag}.whl", buffer.getvalue()


def sdist(one):
    name = f"{one['name'].replace('-', '_')}-{one['version']}"
    built, content = wheel(one, "py3-none-any")
    backend = BACKEND.format(hook=one["backend"], wheel=built, bytes=base64.b64encode(content).decode())
    project = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in (("PKG-INFO", metadata(one)), ("pyproject.toml", project), ("backend.py", backend)):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"{name}.tar.gz", buffer.getvalue()


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for one in json.load(sys.stdin):
    tag = one.get("tag", "py3-none-any")
    name, content = sdist(one) if tag == "sdist" else wheel(one, tag)
    (folder / name).write_bytes(content)
