from pathlib import Path

from typer.testing import CliRunner

from opsagent.interfaces.cli import build


def test_a_draft_may_lie_where_everyone_writes(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    draft = tmp_path / "draft.yaml"
    draft.write_text("checks: [{name: api, kind: http, url: 'http://127.0.0.1/health'}]\n")
    draft.chmod(0o666)

    result = CliRunner().invoke(build(["validate", "version"]), ["validate", str(draft)])

    assert (result.exit_code, "good. 2 checks" in result.output) == (0, True), result.output
