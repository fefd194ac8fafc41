"""Providers, their blocks and their secrets, as tables.

Source: databricks-sdk service/serving.py, ExternalModel and the classes it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from provisioner.semantics import Location

