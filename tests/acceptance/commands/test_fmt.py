"""`fmt` as a user and as a hook runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.cli import main

MESSY = """\
# keep me
resources:
    model_serving_endpoints:
        chat:
            tags: [{value: x, key: team}]
            name: chat   # and me
"""
TIDY = """\
# keep me
resources:
  model_serving_endpoints:
    chat:
      name: chat   # and me
      tags: [{key: team, value: x}]
"""


ROOT = Path(__file__).parents[3]
PROJECTS = sorted(path.parent for path in ROOT.glob("examples/*/provisioner.yaml"))


@pytest.mark.parametrize(
    "folder", [ROOT, *PROJECTS], ids=lambda path: path.relative_to(ROOT).name or "here"
)
def test_our_own_files_are_in_order(folder, capsys):
    assert main(["fmt", "-C", str(folder), "--check", "--diff"]) == 0, capsys.readouterr().out


@pytest.fixture
def project(tmp_path):
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/chat.yaml").write_text(MESSY)
    (tmp_path / "environments").mkdir()
    text = "manifests: [manifests/*.yaml]\nworkspace: {emulator: x.sqlite}\n"
    (tmp_path / "environments/local.yaml").write_text(text)
    return tmp_path


def test_all_files_of_a_project_are_put_in_order(project, capsys):
    assert main(["fmt", "-C", str(project)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == ["environments/local.yaml", "manifests/chat.yaml"]
    assert said.err == "2 of 3 files changed\n"
    assert (project / "manifests/chat.yaml").read_text() == TIDY
    first = (project / "environments/local.yaml").read_text().splitlines()[0]
    assert first == "workspace: {emulator: x.sqlite}"
    assert main(["fmt", "-C", str(project), "--check"]) == 0


def test_a_check_writes_nothing_and_exits_with_3(project, capsys):
    assert main(["fmt", "-C", str(project), "--check", "--diff"]) == 3
    assert "+      name: chat   # and me" in capsys.readouterr().out
    assert (project / "manifests/chat.yaml").read_text() == MESSY


def test_a_hook_names_the_files(project, capsys):
    assert main(["fmt", "-C", str(project), str(project / "manifests/chat.yaml")]) == 0
    assert capsys.readouterr().out == "manifests/chat.yaml\n"


def test_a_file_with_errors_stays(project, capsys):
    broken = "resources:\n  - [\n"
    (project / "manifests/chat.yaml").write_text(broken)
    assert main(["fmt", "-C", str(project)]) == 1
    assert "error[E101]" in capsys.readouterr().err
    assert (project / "manifests/chat.yaml").read_text() == broken


def test_a_file_that_cannot_be_laid_out_stays(project, capsys):
    odd = "resources:\n  ? model_serving_endpoints\n  : chat: {name: chat}\n  x: 1\n"
    (project / "manifests/chat.yaml").write_text(odd)
    assert main(["fmt", "-C", str(project)]) == 1
    assert "error[E839]" in capsys.readouterr().err
    assert (project / "manifests/chat.yaml").read_text() == odd


def test_a_file_outside_of_the_project_is_refused(project, tmp_path_factory, capsys):
    other = tmp_path_factory.mktemp("other") / "x.yaml"
    other.write_text("a: 1\n")
    assert main(["fmt", "-C", str(project), str(other)]) == 1
    assert "error[E839]" in capsys.readouterr().err


STEPS = """\
resources:
  model_serving_endpoints:
    fraud:
      name: fraud
      rollout:
        steps:
          - {percent: 5, for: 10m}
          - pause: true
          - percent: 25
            for: 1h
          - percent: 40   # a comment inside
            for: 2h
          - percent: 50   # half
"""


def test_steps_of_a_rollout_get_their_short_form_where_no_comment_is_lost(project):
    file = project / "manifests/chat.yaml"
    file.write_text(STEPS)
    assert main(["fmt", "-C", str(project)]) == 0
    lines = [line.strip() for line in file.read_text().splitlines()][6:]
    short = ["- 5% for 10m", "- pause", "- 25% for 1h"]
    assert lines == [*short, "- percent: 40   # a comment inside", "for: 2h", "- 50%   # half"]
    assert main(["fmt", "-C", str(project), "--check"]) == 0
