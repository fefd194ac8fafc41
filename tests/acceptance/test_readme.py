"""What the README, and pages whose scene no page can make, show is what the commands print."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.cli import main
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running
from provisioner.workspace import WorkspaceTarget, connect

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))
TEXTS = "\n".join([README, *(page.read_text(encoding="utf-8") for page in PAGES)])
CHECKS = (ROOT / "docs" / "how-to" / "check-endpoints.md").read_text(encoding="utf-8")
LONGEST_README = 150
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "COHERE_API_KEY", "AWS_ACCESS_KEY_ID")


def shown(first_line: str) -> list[str]:
    """The lines of the console block that begins with ``first_line``, without it."""
    blocks = re.findall(r"^```console\n(.*?)^```", TEXTS, re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if block.startswith(first_line)]
    return block.splitlines()[1:]


def assert_printed(lines: list[str], said: str) -> None:
    """Each line stands in ``said``, in this order; ``...`` stands for any lines between."""
    rest = iter(said.splitlines())
    for line in lines:
        if line and line != "..." and not line.startswith("$ "):
            assert line in rest, f"the README shows {line!r}, which is not printed (there)"


@pytest.fixture(autouse=True)
def _width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def keys(monkeypatch):
    for name in (*KEYS, "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "value")


def test_the_demo(keys, tmp_path, capsys):
    for name in ("provisioner.yaml", "environments", "examples"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    folder = ["-C", str(tmp_path)]
    assert main(["apply", *folder, "-y"]) == 0
    assert main(["plan", *folder]) == 0
    assert main(["status", *folder]) == 0
    question = "What is the capital of France?"
    assert main(["query", *folder, "openai-completions-endpoint", "--prompt", question]) == 0
    assert_printed(shown("$ provisioner apply -y  "), capsys.readouterr().out)


def test_the_manifest_and_its_mistakes(tmp_path, capsys):
    manifest = re.search(r"^```yaml\n(# yaml-language.*?)^```", README, re.M | re.S).group(1)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    path = tmp_path / "manifests" / "openai.yaml"
    path.write_text(manifest)
    assert main(["validate", "-C", str(tmp_path)]) == 0
    path.write_text(manifest.replace("provider:", "providr:").replace("calls:", "callls:"))
    capsys.readouterr()
    assert main(["validate", "-C", str(tmp_path)]) == 1
    assert_printed(shown("$ provisioner validate\nerror"), capsys.readouterr().err)


CHAT = """resources:
  model_serving_endpoints:
    chat:
      name: chat
      config:
        served_entities:
          - name: champion
            entity_name: ml.models.chat
            entity_version: ${var.version}
            workload_size: Small
            scale_to_zero_enabled: true
"""


def test_two_environments_side_by_side(tmp_path, capsys):
    for folder in ("environments", "manifests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "provisioner.yaml").write_text("project: chat-platform\n")
    for name, version in (("staging", 12), ("prod", 11)):
        text = f"workspace: {{emulator: {name}.sqlite}}\nvariables:\n  version: '{version}'\n"
        (tmp_path / f"environments/{name}.yaml").write_text(text)
        by_hand = CHAT.replace("Small", "Large") if name == "prod" else CHAT
        (tmp_path / "manifests/chat.yaml").write_text(by_hand)
        assert main(["apply", "-C", str(tmp_path), "-e", name, "-y"]) == 0
    (tmp_path / "manifests/chat.yaml").write_text(CHAT)
    capsys.readouterr()
    assert main(["diff", "staging", "prod", "--live", "-C", str(tmp_path)]) == 0
    assert_printed(shown("$ provisioner diff staging prod --live"), capsys.readouterr().out)


def test_the_drift(tmp_path, capsys):
    for folder in ("environments", "manifests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "provisioner.yaml").write_text("project: chat-platform\n")
    (tmp_path / "environments/prod.yaml").write_text("workspace: {emulator: prod.sqlite}\n")
    grant = "      permissions: [{level: CAN_QUERY, group_name: analysts}]\n"
    for version in ("9", "10", "12"):
        text = CHAT.replace("${var.version}", f'"{version}"') + grant
        (tmp_path / "manifests/chat.yaml").write_text(text)
        commit_all(tmp_path)
    folder = ["-C", str(tmp_path), "-e", "prod"]
    assert main(["apply", *folder, "-y"]) == 0
    edit_by_hand(tmp_path / "prod.sqlite")
    capsys.readouterr()
    assert main(["drift", *folder, "--detailed-exitcode"]) == 2
    assert_printed(shown("$ provisioner drift "), capsys.readouterr().out)


def commit_all(folder: Path) -> None:
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a change"]):
        subprocess.run([*git, *words], check=True, capture_output=True)


def edit_by_hand(state: Path) -> None:
    settings = Settings(state=state)
    with (
        running(settings) as server,
        connect(
            WorkspaceTarget(host=server.url, token=server.token), {}, "by-hand/1"
        ) as connection,
    ):
        endpoint = connection.get("/api/2.0/serving-endpoints/chat")
        entity = {
            "name": "champion",
            "entity_name": "ml.models.chat",
            "entity_version": "11",
            "workload_size": "Small",
            "scale_to_zero_enabled": True,
        }
        body = {"served_entities": [entity]}
        path = "/api/2.0/serving-endpoints/chat/config"
        connection.send("PUT", path, body, repeatable=True)
        row = {"group_name": "interns", "permission_level": "CAN_MANAGE"}
        path = f"/api/2.0/permissions/serving-endpoints/{endpoint['id']}"
        connection.send("PATCH", path, {"access_control_list": [row]}, repeatable=True)


def test_the_import(keys, tmp_path, capsys):
    project = Path(shutil.copytree(ROOT / "examples" / "tutorial", tmp_path / "tutorial"))
    assert main(["apply", "-C", str(project), "-y"]) == 0
    shutil.rmtree(project / "manifests")
    capsys.readouterr()
    assert main(["import", "-C", str(project), "--all", "--with-scopes"]) == 0
    assert_printed(shown("$ provisioner import --all"), capsys.readouterr().out)


def test_the_readme_stays_short():
    assert README.count("\n") <= LONGEST_README


def test_the_checks(keys, tmp_path, capsys):
    example = shutil.copytree(ROOT / "examples" / "checks", tmp_path / "checks")
    path = example / "manifests" / "answers.yaml"
    text = path.read_text(encoding="utf-8")
    part = CHECKS.split("```yaml\n      checks:\n")[1].split("```")[0]
    first, second = part.split("        - name: personal")
    assert first in text
    assert second in text
    path.write_text(text.replace('"predictions[0]", min: 0, max: 1', '"predictions[0]", max: 0.1'))
    folder = ["-C", str(example)]
    assert main(["apply", *folder, "-y"]) == 0
    capsys.readouterr()
    assert main(["verify", *folder]) == 1
    printed = without_times(capsys.readouterr().out)
    lines = without_times("\n".join(shown("$ provisioner verify"))).splitlines()
    assert_printed(lines, printed)


def without_times(text: str) -> str:
    return re.sub(r" +[0-9]+ ms", " 0 ms", text)


def test_the_program_that_asks(tmp_path, capsys):
    example = shutil.copytree(ROOT / "examples" / "tutorial", tmp_path / "tutorial")
    assert main(["connect", "-C", str(example), "openai_completions", "--client", "openai"]) == 0
    wanted = shown("$ provisioner connect openai_completions")
    assert capsys.readouterr().out.splitlines() == wanted
