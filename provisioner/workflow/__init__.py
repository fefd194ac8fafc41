"""Puts the stages together: open, read, plan, apply, verify.

    project      the project, its environments and their manifests   (``open_project``)
    session      an environment with its workspace connected          (``open_session``)
    reading      the workspace -> live documents                      (``read``)
    plan         desired and live -> the plan                         (``make_plan``)
    apply        the guard, then the plan -> outcomes                 (``refuse_unsafe``, ``apply``)
    saved_plan   whether a saved plan may be applied here and now
    verify       the checks of manifests against live resources

No stage imports another stage: the stages meet here. Nothing here prints or asks.
"""
