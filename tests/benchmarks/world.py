"""What all sides of the benchmark agree on: N endpoints, as manifests and as live data."""

from pathlib import Path

SERVER = Path(__file__).with_name("server.py")
PEER = Path(__file__).with_name("peer.py")

LATENCY_S = 0.05
TOKEN = "benchmark-token"

MANIFEST = """\
resources:
  model_serving_endpoints:
    {name}:
      name: {name}
      config:
        served_entities:
          - name: completions
            external_model:
              name: gpt-3.5-turbo-instruct
              provider: openai
              task: llm/v1/completions
              openai_config:
                openai_api_key: "{{{{secrets/my_openai_secret_scope/openai_api_key}}}}"
"""


def names(count):
    return [f"endpoint-{number:04}" for number in range(count)]


def write_project(root, count, host):
    """A project whose environment ``bench`` holds ``count`` endpoints, a manifest each."""
    (root / "environments").mkdir(parents=True)
    (root / "manifests").mkdir()
    (root / "provisioner.yaml").write_text("project: bench\n")
    (root / "environments" / "bench.yaml").write_text(
        f"workspace:\n  host: {host}\nmanifests: [manifests/**/*.yaml]\n"
    )
    for name in names(count):
        (root / "manifests" / f"{name}.yaml").write_text(MANIFEST.format(name=name))


RULES = (
    "require: ['config.served_entities[*]']",
    "require: [{path: 'config.served_entities[*].external_model.provider', in: [openai, cohere]}]",
    "forbid: [{path: 'permissions[*]', where: {group_name: users, level: CAN_MANAGE}}]",
    "forbid: [{path: 'config.served_entities[*].workload_type', in: [GPU_LARGE, GPU_XLARGE]}]",
    "forbid: [{path: 'tags[cost_center].value', pattern: '^CC-9'}]",
    "forbid: [{path: 'config.served_entities[*].scale_to_zero_enabled', equals: true}]",
    "require: [{path: name, pattern: '^endpoint-[0-9]+$'}]",
    "forbid: [{path: 'ai_gateway.rate_limits[*].calls', min: 10000}]",
    "require: [{path: 'config.served_entities[*]', at_most: 15}]",
    "forbid: [{path: ai_gateway.guardrails.input.pii.behavior, equals: NONE}]",
)


def write_policies(root, count):
    """``count`` policies that every endpoint falls under and none violates."""
    (root / "policies").mkdir()
    text = ["policies:"]
    for number in range(count):
        unless = ", unless: {tags: {tier: internal}}" if number % 2 else ""
        text += [
            f"  - name: policy {number}",
            f"    applies_to: {{kind: model_serving_endpoints{unless}}}",
            f"    {RULES[number % len(RULES)]}",
        ]
    (root / "policies" / "all.yaml").write_text("\n".join(text) + "\n")


COMPACT = """\
    {name}: {{name: {name}, config: {{served_entities: [{{name: completions, external_model:
      {{name: gpt-3.5-turbo-instruct, provider: openai, task: llm/v1/completions, openai_config:
      {{openai_api_key: "{{{{secrets/my_openai_secret_scope/openai_api_key}}}}"}}}}}}]}}}}
"""


def write_one_file(root, count):
    """The project of ``write_project`` with all endpoints in one manifest."""
    write_project(root, 0, "https://127.0.0.1:1")
    entries = "".join(COMPACT.format(name=name) for name in names(count))
    head = "resources:\n  model_serving_endpoints:\n"
    (root / "manifests" / "all.yaml").write_text(head + entries)


ENVIRONMENTS = ("dev", "staging", "prod")
LAYERS = """\
workspace:
  host: https://{name}.example.test
name_prefix: {name}-
variables:
  model: gpt-3.5-turbo-instruct
defaults:
  model_serving_endpoints:
    tags: [{{key: cost_center, value: ml}}]
overrides:
  model_serving_endpoints:
    endpoint-0000: {{tags: [{{key: team, value: {name}}}]}}
"""


RELEASED = """\
workspace:
  host: https://{name}.example.test
{source}released:
"""
LINE = 'version_{number:04}: {{value: "{value}", previous: "1", commit: 3fa81c2d4e5f, at: {at}}}'


def write_releases(root, count):
    """A project of ``count`` endpoints with a released version each, in three environments."""
    write_project(root, count, "https://127.0.0.1:1")
    (root / "environments" / "bench.yaml").unlink()
    (root / "environments" / "releases").mkdir()
    source = ""
    for place, name in enumerate(ENVIRONMENTS):
        variables = "".join(f"  - version_{number:04}\n" for number in range(count))
        head = RELEASED.format(name=name, source=source)
        (root / "environments" / f"{name}.yaml").write_text(head + variables)
        at = f"2026-11-{20 - place}T10:00:00Z"
        lines = [LINE.format(number=one, value=9 - place - one % 3, at=at) for one in range(count)]
        (root / "environments" / "releases" / f"{name}.yaml").write_text("\n\n".join(lines))
        source = f"promotes_from: {name}\n"
    for number, file in enumerate(sorted((root / "manifests").iterdir())):
        reference = f"name: ${{var.version_{number:04}}}"
        file.write_text(file.read_text().replace("name: gpt-3.5-turbo-instruct", reference))


def write_environments(root, count):
    """A project of ``count`` endpoints, made from a variable, in three environments."""
    write_project(root, count, "https://127.0.0.1:1")
    (root / "environments" / "bench.yaml").unlink()
    for name in ENVIRONMENTS:
        (root / "environments" / f"{name}.yaml").write_text(LAYERS.format(name=name))
    for file in (root / "manifests").iterdir():
        made = file.read_text().replace("name: gpt-3.5-turbo-instruct", "name: ${var.model}")
        file.write_text(made)


def listed(name):
    """An entry of the list, in the shape of the service."""
    return {
        "id": f"{abs(hash(name)):032x}"[:32],
        "name": name,
        "creation_timestamp": 1_790_000_000_000,
        "last_updated_timestamp": 1_790_000_000_000,
        "creator": "somebody@example.test",
        "creator_kind": "User",
        "endpoint_type": "EXTERNAL_MODEL",
        "task": "llm/v1/completions",
        "state": {"ready": "READY", "config_update": "NOT_UPDATING", "suspend": "NOT_SUSPENDED"},
        "description": "",
        "tags": [
            {"key": "provisioner_project", "value": "bench"},
            {"key": "provisioner_environment", "value": "bench"},
        ],
        "config": {"served_entities": [{"name": "completions", "external_model": MODEL}]},
    }


def live(name):
    """The answer to a GET: exactly what the manifest wants, and what the service adds."""
    added = {
        "creator": "somebody@example.test",
        "creation_timestamp": 1_790_000_000_000,
        "state": {"deployment": "DEPLOYMENT_READY", "deployment_state_message": ""},
        "type": "EXTERNAL_MODEL",
    }
    entity = {"name": "completions", "external_model": MODEL} | added
    route = {
        "served_model_name": "completions",
        "served_entity_name": "completions",
        "traffic_percentage": 100,
    }
    config = {
        "served_entities": [entity],
        "served_models": [entity],
        "traffic_config": {"routes": [route]},
        "config_version": 1,
    }
    more = {"permission_level": "CAN_MANAGE", "route_optimized": False, "config": config}
    return listed(name) | more


MODEL = {
    "name": "gpt-3.5-turbo-instruct",
    "provider": "openai",
    "task": "llm/v1/completions",
    "openai_config": {"openai_api_key": "{{secrets/my_openai_secret_scope/openai_api_key}}"},
}
