"""In continuous integration a skipped test is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SKIPS = {
    "a test": "import pytest\n@pytest.mark.skip('no root')\ndef test_a(): pass\n",
    "in a test": "import pytest\ndef test_a(): pytest.skip('no root')\n",
    "a module": "import pytest\npytest.importorskip('no_such_module')\ndef test_a(): pass\n",
}


def run(folder: Path, source: str, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(HERE / "conftest.py", folder)
    (folder / "test_some.py").write_text(source)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    environ = {**os.environ, "CI": ci}
    return subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("where", SKIPS)
def test_a_skip_fails_the_run_of_continuous_integration(tmp_path: Path, where: str) -> None:
    done = run(tmp_path, SKIPS[where], ci="true")

    assert done.returncode != 0
    assert "nothing may be skipped" in done.stdout


def test_a_skip_is_allowed_elsewhere_and_an_expected_failure_everywhere(tmp_path: Path) -> None:
    expected = "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False\n"

    assert run(tmp_path, SKIPS["a test"], ci="").returncode == 0
    assert run(tmp_path, expected, ci="true").returncode == 0
