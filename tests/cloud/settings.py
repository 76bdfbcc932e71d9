# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the control plane sets: how this AWS spreads, lags, and which calls it spoils."""

from __future__ import annotations

import dataclasses
import random
import threading
from typing import Any, Mapping, Optional

from .errors import BadControl

REPORT_STATES = ("NotPresent", "InProgress", "Expired")


@dataclasses.dataclass
class Settings:
    """All times in seconds unless their name says otherwise."""

    propagation_seconds: float = 0.0
    """How long a new or reactivated key is refused."""
    propagation_by_region: dict[str, float] = dataclasses.field(default_factory=dict)
    """The same for single regions (by name), in place of ``propagation_seconds``."""
    revocation_seconds: float = 0.0
    """How long a deactivated or deleted key is still accepted."""
    flap: float = 0.0
    """While a change spreads: how probable it is (0 to 1) that a call meets a replica that knows it already."""
    list_lag_seconds: float = 0.0
    """ListAccessKeys and ListUserTags answer what was true this long ago."""
    last_used_lag_seconds: float = 0.0
    """GetAccessKeyLastUsed and the credential report know uses only when they are this old."""
    latency_ms: float = 0.0
    """Every call takes at least this long."""
    enforce_policies: bool = False
    """Whether callers may do only what their IAM policies allow."""
    report_seconds: float = 0.0
    """How long the credential report takes to make."""
    report_max_age_seconds: float = 4 * 3600.0
    """How old a credential report may grow before a new one is made."""
    report_state: Optional[str] = None
    """Forces the answer of GetCredentialReport: one of `REPORT_STATES`."""

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set what ``changes`` names and leave the rest.

        Raises BadControl for an unknown name or a value of the wrong type; then nothing is set.
        """
        known = {field.name: getattr(self, field.name) for field in dataclasses.fields(Settings)}
        for name, value in changes.items():
            if name not in known:
                raise BadControl(f"unknown setting {name!r}; there are: {', '.join(sorted(known))}")
            if name == "report_state":
                right = value is None or value in REPORT_STATES
            elif isinstance(known[name], bool):
                right = isinstance(value, bool)
            elif isinstance(known[name], dict):
                right = isinstance(value, dict) and all(isinstance(one, (int, float)) for one in value.values())
            else:
                right = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
            if not right:
                default = getattr(Settings(), name)
                raise BadControl(f"setting {name}: {value!r} does not fit (its default is {default!r})")
        for name, value in changes.items():
            setattr(self, name, value)


FAULT_KINDS = ("throttle", "error", "deny", "delay", "lose_answer", "disconnect")


@dataclasses.dataclass
class Fault:
    """One way in which calls are spoiled."""

    kind: str
    """One of `FAULT_KINDS`."""
    action: str = "*"
    """The AWS action's name (``CreateAccessKey``), or ``*`` for all."""
    probability: float = 1.0
    count: Optional[int] = None
    """How many calls it spoils before it is gone; None: all."""
    user_name: Optional[str] = None
    """Only calls about this IAM user."""
    seconds: float = 0.0
    """For delay."""
    after: bool = False
    """For delay: after the call took effect, before its answer."""
    code: Optional[str] = None
    """AWS's error code. For lose_answer: answer this error, though the call took effect, rather than nothing."""
    status: Optional[int] = None
    """The HTTP status that goes with ``code`` where it is not the usual one."""

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise BadControl(f"unknown kind of fault {self.kind!r}; there are: {', '.join(FAULT_KINDS)}")

    def hits(self, action: str, user_name: Optional[str]) -> bool:
        """Whether it spoils this call; a count is not used up by asking."""
        return (
            self.count != 0
            and self.action in ("*", action)
            and self.user_name in (None, user_name)
            and random.random() < self.probability
        )


class Faults:
    """The faults that are set, in order; the first one of them that hits a call spoils it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def set(self, faults: list[dict[str, Any]]) -> None:
        """Put these in place of all that were set. Raises BadControl if one of them is not a fault."""
        try:
            new = [Fault(**fault) for fault in faults]
        except TypeError as error:
            names = ", ".join(field.name for field in dataclasses.fields(Fault))
            raise BadControl(f"not a fault ({error}); its fields are: {names}") from None
        with self._lock:
            self._faults = new

    def take(self, action: str, user_name: Optional[str]) -> Optional[Fault]:
        """The fault for this call, counted as used."""
        with self._lock:
            for fault in self._faults:
                if fault.hits(action, user_name):
                    if fault.count is not None:
                        fault.count -= 1
                    return fault
        return None

    def left(self) -> list[dict[str, Any]]:
        """The faults that still spoil calls."""
        with self._lock:
            return [dataclasses.asdict(fault) for fault in self._faults if fault.count != 0]
