from opsagent.memory.labels import taken


def test_labels_in_the_learnings_of_others_are_taken(tmp_path):
    folder = tmp_path / ".learnings" / "operations"
    folder.mkdir(parents=True)
    (folder / "OPERATIONS_ISSUES.md").write_text("## [OPS-20261118-007] api_down\nsee OPS-20261117-A0Z, OPS-1-2\n")

    assert taken(tmp_path) == {"OPS-20261118-007", "OPS-20261117-A0Z"}


def test_no_learnings_and_a_link_out_of_them_hold_no_labels(tmp_path):
    (tmp_path / "secret.md").write_text("OPS-20261118-001")
    (tmp_path / ".learnings").mkdir()
    (tmp_path / ".learnings" / "LEARNINGS.md").symlink_to(tmp_path / "secret.md")

    assert taken(tmp_path) == frozenset()
    assert taken(tmp_path / "nowhere") == frozenset()
