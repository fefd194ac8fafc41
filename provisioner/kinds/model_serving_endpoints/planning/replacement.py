"""Why an endpoint must be replaced: what its creation settles for good. Pure.

A field that is fixed by itself says so on the model (``Immutable``). This module holds the reasons
that no single field can state: the sort of what an endpoint serves, and the task of its external
models.
"""

from __future__ import annotations

from provisioner.errors.wording import listed
from provisioner.kinds.model_serving_endpoints.document import Sort, external_models, sorts_in
from provisioner.model.paths import Document


def must_replace(desired: Document, live: Document) -> str:
    """Why ``live`` cannot become ``desired`` without being made anew; ``""`` if it can.

    Source: service/serving.py ServedEntityInput.external_model: an endpoint is of external
    models or not for ever, and all of them have one task.
    """
    return other_sort(desired, live) or other_task(desired, live)


def other_sort(desired: Document, live: Document) -> str:
    """Returns why the sorts of what is served exclude each other; ``""`` if they do not."""
    wanted, actual = sorts_in(desired), sorts_in(live)
    # Where one side serves nothing, nothing is known of its sort, and the update may succeed.
    if not wanted or not actual or not wanted.isdisjoint(actual):
        return ""
    if Sort.EXTERNAL in wanted:
        return "an endpoint that serves other models cannot change to external models"
    if Sort.EXTERNAL in actual:
        return "an endpoint that serves external models cannot change to other models"
    # Endpoints with model units have calls of their own to create and to update them, and
    # nothing says that either call takes an endpoint of the other one.
    return "an endpoint is created with or without model units, and no call changes that"


def other_task(desired: Document, live: Document) -> str:
    """Returns why the tasks of external models exclude each other; ``""`` if they do not."""
    wanted, actual = _tasks(desired), _tasks(live)
    # Disjoint, because a document may mix tasks by mistake: that is for `validate` to refuse.
    if wanted and actual and wanted.isdisjoint(actual):
        before, after = listed(sorted(actual)), listed(sorted(wanted))
        return f"an endpoint keeps its task, so {before} cannot become {after}"
    return ""


def _tasks(document: Document) -> set[str]:
    tasks = (model.value.get("task") for model in external_models(document))
    return {task for task in tasks if isinstance(task, str)}
