"""First mistakes of people who come from Terraform, bundles, kubectl or Pulumi."""

from __future__ import annotations

import re

import pytest

from provisioner.cli import COMMANDS, HEADINGS, main
from provisioner.cli.corrections import DESTRUCTIVE

MISTAKES = [
    # (what is typed, what the hint holds)
    ("deploy", "`provisioner apply`"),
    ("Deploy", "`provisioner apply`"),
    ("up", "`provisioner apply`"),
    ("preview", "`provisioner plan`"),
    ("summary", "`provisioner status`"),
    ("ls", "`provisioner status`"),
    ("list", "`provisioner status`"),
    ("get", "`provisioner status`"),
    ("run", "`provisioner query NAME"),
    ("refresh", "`provisioner drift`"),
    ("state list", "there is no state file"),
    ("output", "`provisioner status -o json`"),
    ("login", "`databricks auth login"),
    ("unlock", "there is no lock"),
    ("force-unlock abc", "there is no lock"),
    ("taint x", "--redeploy"),
    ("workspace select dev", "-e NAME"),
    ("stack", "-e NAME"),
    ("bind x y", "--adopt"),
    ("generate x", "`provisioner import"),
    ("delete x", "removed:"),
    ("rm x", "removed:"),
    ("down", "removed:"),
    ("lint", "`provisioner validate`"),
    ("format", "`provisioner fmt`"),
    ("plam", "did you mean `plan`?"),
    ("aply", "did you mean `apply`?"),
    ("statsu", "did you mean `status`?"),
    ("destory", "`provisioner help` lists the commands"),
    ("zzz", "`provisioner help` lists the commands"),
    ("apply --dry-run", "`provisioner plan`"),
    ("apply --force", "deletions and replacements need their own options"),
    ("plan --slect x", "did you mean `--select`?"),
    ("apply --prun", "lists its options"),
    ("plan --refresh-only", "`provisioner drift`"),
    ("plan --var-file=x", "--var NAME=VALUE"),
    ("plan -out=x", "write `--out=x`"),
    ("plan -target=foo", "--select RESOURCE"),
    ("plan -target foo", "--select RESOURCE"),
    ("apply -auto-approve", "write `--auto-approve`"),
    ("plan -var a=b", "write `--var`"),
    ("plan -json", "write `--json`"),
    ("plan -destroy", "remove the manifests"),
    ("plan -refresh-only", "`provisioner drift`"),
    ("plan -chdir=x", "`-C DIR`"),
    ("fmt -check", "write `--check`"),
    ("plan -e a -e b", "remove one of them"),
    ("plan -e", "`provisioner help plan`"),
    ("diff local", "`provisioner help diff`"),
    ("bundle deploy", "`provisioner apply`"),
    ("bundle run x", "`provisioner query NAME"),
    ("sync", "`provisioner apply`"),
    ("scale x", "change the size"),
    ("restart x", "--redeploy"),
    ("api-resources", "`provisioner schema`"),
    ("cluster-info", "`provisioner doctor`"),
    ("events", "`provisioner logs NAME`"),
    ("describe endpoint x", "`provisioner status --select NAME`"),
    ("apply -f x.yaml", "environments/NAME.yaml"),
    ("apply -n prod", "`-e NAME`"),
    ("apply --namespace=prod", "`-e NAME`"),
    ("apply -replace=x", "--redeploy"),
    ("plan -lock=false", "there is no lock"),
    ("init -upgrade", "no plugins are installed"),
    ("init -backend-config=x", "there is no backend"),
    ("graph -type=plan", "resources cannot be selected by type"),
    ("apply --server-side", "`provisioner plan`"),
    ("query x -d {}", "`--prompt TEXT`"),
    ("destroy -auto-approve", "write `--auto-approve`"),
    ("bundle destroy", "`provisioner status`"),
    ("plan a b", "`provisioner help plan`"),
    ("help deploy", "`provisioner apply`"),
    ("terraform plan", "leave the word out: `provisioner plan`"),
    ("databricks bundle deploy -t prod", "`provisioner apply` deploys"),
    ("databricks bundle validate --strict", "leave the word out: `provisioner validate`"),
    ("databricks auth login --host https://x", "`databricks auth login"),
    ("databricks serving-endpoints list", "`provisioner status` lists"),
    ("bundle summary", "`provisioner status`"),
    ("terraform destroy", "`provisioner help` lists"),
    ("kubectl get endpoints", "`provisioner status`"),
    ("deployment bind chat x", "--adopt"),
    ("validate --strict", "always an error"),
    ("plan --json=true", "write `--json` without a value"),
    ("apply -k overlays/prod", "`overrides:`"),
    ("rollout undo chat", "`provisioner rollout back NAME`"),
    ("rollout pause chat", "`provisioner rollout hold NAME`"),
    ("rollout restart chat", "--redeploy"),
    ("rollout stauts", "did you mean `status`?"),
    ("rollout zzz", "`provisioner help rollout`"),
    ("help rollout undo", "`provisioner rollout back NAME`"),
    ("emulator stop", "Ctrl-C"),
    ("policy check", "`provisioner validate`"),
    ("uninstall chat", "`removed:`"),
    ("teardown", "`removed:`"),
    ("revert HEAD", "revert the commit in git"),
    ("reset", "`provisioner drift`"),
    ("clean", "no cache"),
    ("label endpoint chat a=b", "`tags:`"),
    ("port-forward svc/chat 8080", "`provisioner connect NAME"),
    ("exec -it chat sh", "`provisioner query NAME"),
    ("stop chat", "scale_to_zero_enabled"),
    ("patch endpoint chat", "change the manifest"),
    ("endpoints list", "`provisioner status` lists"),
    ("redeploy chat", "`provisioner apply --redeploy ADDRESS`"),
    ("retry", "`provisioner apply` again"),
    ("prune", "`removed:`"),
    ("cleanup", "no cache"),
    ("export chat", "`provisioner import NAME`"),
    ("use-context prod", "`-e NAME`"),
    ("config use-context prod", "`-e NAME`"),
    ("configure --token", "`databricks auth login"),
    ("databricks current-user me", "`provisioner doctor`"),
    ("drain chat", "change the routes"),
    ("canary chat", "`provisioner rollout`"),
    ("set image chat x=y", "change the manifest"),
    ("options", "`provisioner help options`"),
    ("plugin list", "no plugins are installed"),
    ("stacks", "`-e NAME`"),
    ("debug chat", "`provisioner doctor`"),
    ("predict chat", "`provisioner query NAME"),
    ("dashboard", "`provisioner open NAME`"),
    ("upgrade", "newer version"),
    ("bundle deploy --force-lock", "`provisioner apply`"),
    ("apply --force-lock", "there is no lock"),
    ("apply --fail-on-active-runs", "no jobs"),
    ("apply --cluster-id x", "no jobs"),
    ("apply -l app=chat", "`--select RESOURCE`"),
    ("apply -R", "`manifests:`"),
    ("apply --delete x", "`removed:`"),
    ("apply --purge", "`removed:`"),
    ("apply --cascade=orphan", "`removed:`"),
    ("apply --non-interactive", "`-y` approves"),
    ("apply --allow-all", "`-y` approves"),
    ("apply --force-conflicts", "`provisioner drift`"),
    ("apply --validate=false", "`provisioner validate`"),
    ("apply --kubeconfig=x", "`-p PROFILE`"),
    ("status -A", "`-e NAME`"),
    ("plan -parallelism=10", "`provisioner apply --parallelism N`"),
    ("plan -generate-config-out=x", "`provisioner import NAME`"),
    ("fmt -write=false", "`provisioner fmt --check`"),
    ("fmt -recursive", "`manifests:`"),
    ("init -backend=false", "there is no backend"),
    ("init -from-module=x", "`provisioner init --template NAME`"),
    ("apply -backup=x", "there is no state file"),
]


@pytest.mark.parametrize(("words", "hint"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_first_mistake_is_answered_with_the_word_to_type(words, hint, capsys):
    assert main(words.split()) == 1
    error = capsys.readouterr().err
    assert error.startswith("error[E818]: ")
    assert hint in error


@pytest.mark.parametrize("words", [words for words, _ in MISTAKES])
def test_no_correction_proposes_a_word_that_deletes(words, capsys):
    main(words.split())
    hint = capsys.readouterr().err.partition("= hint:")[2]
    # It is the answer to itself only, and approves no deletion.
    proposed = DESTRUCTIVE - {"--auto-approve"}
    assert not [word for word in proposed if re.search(rf"(?<![\w-]){word}\b", hint)]


def test_an_environment_that_is_typed_as_an_argument_is_answered_with_the_option(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text("workspace: {emulator: dev.sqlite}\n")
    assert main(["plan", "dev"]) == 1
    assert "write `provisioner plan -e dev`" in capsys.readouterr().err


def test_a_question_that_is_typed_as_a_name_is_answered_with_the_option(capsys):
    assert main(["query", "chat", "What", "is", "it?"]) == 1
    assert "write `provisioner query chat --prompt 'What is it?'`" in capsys.readouterr().err


def test_every_command_stands_below_one_heading():
    assert sorted(" ".join(HEADINGS.values()).split()) == sorted(COMMANDS)


def test_common_options_may_stand_before_the_command(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    before = main(["-e", "nowhere", "validate"])
    after = main(["validate", "-e", "nowhere"])
    assert before == after == 1


def test_a_cluster_of_short_options_is_no_long_option(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    main(["plan", "-enowhere"])
    assert "nowhere" in capsys.readouterr().err


def test_help_shows_what_the_option_help_shows(capsys):
    main(["help", "apply"])
    shown = capsys.readouterr().out
    main(["apply", "--help"])
    assert capsys.readouterr().out == shown


def test_version_is_a_command_with_json(capsys):
    assert main(["version", "--json"]) == 0
    assert '"version": "' in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell, capsys):
    assert main(["completion", shell]) == 0
    assert "_PROVISIONER_COMPLETE" in capsys.readouterr().out
