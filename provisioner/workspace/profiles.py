"""Profiles in the Databricks configuration file. Reads; knows no order of precedence."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.errors import LoginError

_SETTINGS = "__settings__"


@dataclass(frozen=True, slots=True)
class Profile:
    """One section. ``settings`` has the SDK's names (``host``, ``token``, ...)."""

    name: str
    file: str
    settings: Mapping[str, str] = field(repr=False)

    @property
    def source(self) -> str:
        return f"profile `{self.name}` in {self.file}"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """All profiles of a file. ``shown`` is its name as users write it."""

    shown: str
    path: Path
    profiles: Mapping[str, Profile]
    default: str = ""

    def named(self, name: str) -> Profile:
        """The profile of that name. Raises LoginError when there is none."""
        if name in self.profiles:
            return self.profiles[name]
        known = ", ".join(self.profiles) or "none"
        raise LoginError.of(
            "E418",
            f"there is no profile `{name}` in {self.shown}",
            hint=f"the profiles are {known}" if self.path.exists() else "the file does not exist",
        )

    def by_default(self) -> Profile | None:
        """The one to use when none is named, as the SDK chooses it."""
        return self.named(self.default) if self.default else self.profiles.get("DEFAULT")


def read_config_file(environ: Mapping[str, str]) -> ConfigFile:
    """``~/.databrickscfg``, or what ``DATABRICKS_CONFIG_FILE`` names; empty if not there.

    Raises LoginError when it cannot be read. Its text is never part of a message.
    """
    shown = environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg"
    home = environ.get("HOME") or os.path.expanduser("~")
    path = Path(home, shown[2:]) if shown.startswith("~/") else Path(shown)
    try:
        # A pipe would never end. /dev/null is the usual way to have no profiles.
        if not (path.is_file() or path.is_dir()) and path.exists() and str(path) != os.devnull:
            raise OSError(errno.EINVAL, "it is not a file")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ConfigFile(shown, path, {})
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise LoginError.of("E418", f"cannot read {shown}: {reason}") from None
    return _parsed(text, shown, path)


def _parsed(text: str, shown: str, path: Path) -> ConfigFile:
    import configparser

    # DEFAULT is a profile like any other, and `%` an ordinary character, as in the SDK.
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        # The parser's own message repeats the line, which may hold a token.
        lines = [line for line, _ in getattr(error, "errors", ())]
        line = getattr(error, "lineno", None) or (lines[0] if lines else None)
        where = f" (line {line})" if line else ""
        raise LoginError.of(
            "E418", f"cannot read {shown}: the file is not in the format of profiles{where}"
        ) from None
    sections = {name: dict(parser[name]) for name in parser.sections()}
    default = sections.pop(_SETTINGS, {}).get("default_profile", "").strip()
    profiles = {name: Profile(name, shown, values) for name, values in sections.items()}
    return ConfigFile(shown, path, profiles, default)
