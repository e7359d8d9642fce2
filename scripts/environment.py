#!/usr/bin/env python3
"""Make a virtual environment and install into it, also where Debian left out venv and pip.

Usage: environment.py FOLDER PIP-ARGUMENT...      WHEELS=folder in the environment: install offline, from there.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path
from urllib.parse import urljoin

WHEELS = os.environ.get("WHEELS", "")
PIP = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
INDEX = "https://pypi.org/simple/pip/"


def works(folder: Path) -> bool:
    """Tell whether the folder is an environment whose pip runs."""
    python = folder / "bin" / "python"
    return (
        python.exists()
        and subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode == 0
    )


def install_debians() -> None:
    """Have root's apt-get bring what venv lacks; that it cannot (no network) is no error, there are other ways."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        packages = Path(__file__).with_name("packages.sh")
        subprocess.run([packages, "python3-venv"], stdout=subprocess.DEVNULL, check=False)


def make(folder: Path) -> None:
    """Make the environment: with Python's own pip, else Debian's, else the one from the index."""
    folder.mkdir(parents=True, exist_ok=True)
    if importlib.util.find_spec("ensurepip") is None:
        print("python3-venv is not here, looking for another way", file=sys.stderr)
        install_debians()
    # asked anew: apt-get may just have brought it
    if subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        return
    venv.create(folder, with_pip=False)
    wheel = pip_wheel(folder)
    subprocess.run([folder / "bin" / "python", wheel / "pip", "install", "--quiet", "--no-index", wheel], check=True)
    wheel.unlink()


def pip_wheel(folder: Path) -> Path:
    """Put pip's own wheel into the folder: from WHEELS, else from the index if it is exactly the one we know."""
    if WHEELS:
        found = sorted(Path(WHEELS).glob("pip-*.whl"))
        if not found:
            sys.exit(f"cannot make {folder}: neither python3-venv is installed nor is pip in {WHEELS}")
        return Path(shutil.copy(found[-1], folder))
    try:
        with urllib.request.urlopen(INDEX, timeout=30) as page:
            link = re.search(rf'href="([^"#]+/{re.escape(PIP)})', page.read().decode())
        link_to = urljoin(INDEX, link[1] if link else PIP)
        with urllib.request.urlopen(link_to, timeout=60) as file:  # noqa: S310 - whatever it is, its hash is compared
            content = file.read()
    except OSError as error:
        sys.exit(f"cannot make {folder}: {error}; install python3-venv (apt-get install python3-venv) and try again")
    if hashlib.sha256(content).hexdigest() != PIP_SHA256:
        sys.exit(f"cannot make {folder}: the index gave another {PIP} than expected; install python3-venv instead")
    (folder / PIP).write_bytes(content)
    return folder / PIP


def main() -> int:
    """Return pip's exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where an older Python is told so
        sys.exit(f"cannot use Python {sys.version.split()[0]}: 3.11 or newer is needed; set PYTHON=/path/to/python3")
    folder, arguments = Path(sys.argv[1]), sys.argv[2:]
    if not works(folder):
        make(folder)
    offline = ["--no-index", "--find-links", WHEELS] if WHEELS else []
    argv = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    return subprocess.run([*argv, *offline, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
