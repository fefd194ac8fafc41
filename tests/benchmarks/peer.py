"""What a careful script does without us: PyYAML, the SDK with ten threads, DeepDiff.

python peer.py FOLDER prints how many endpoints are as their manifests want them.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from databricks.sdk import WorkspaceClient
from deepdiff import DeepDiff


def wanted(folder):
    for path in sorted(folder.glob("manifests/*.yaml")):
        resources = yaml.safe_load(path.read_text())["resources"]
        yield from resources["model_serving_endpoints"].values()


def differs(client, endpoint):
    config = client.serving_endpoints.get(endpoint["name"]).as_dict()["config"]
    kept = ("name", "external_model")
    entities = [{field: entity[field] for field in kept} for entity in config["served_entities"]]
    live = {"name": endpoint["name"], "config": {"served_entities": entities}}
    return bool(DeepDiff(live, endpoint, ignore_order=True))


def main(folder):
    client = WorkspaceClient()
    with ThreadPoolExecutor(10) as workers:
        changed = list(workers.map(lambda one: differs(client, one), wanted(folder)))
    print(f"{changed.count(False)} unchanged")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
