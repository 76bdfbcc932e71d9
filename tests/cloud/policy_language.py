# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM's policy language, as far as the tests use it: statements on one side, an action and its context on the other.

Source: "IAM JSON policy elements reference" in the IAM User Guide. An operator that is not known here raises
NotImplementedError: a policy is never taken for less than it says.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Iterable, Mapping, Optional

Context = Mapping[str, "tuple[str, ...]"]
"""Condition keys in lower case, and their values."""


def decide(
    statements: Iterable[Mapping[str, Any]], action: str, resource: Optional[str], context: Context
) -> Optional[str]:
    """``Deny`` if a statement that concerns the action says so, else ``Allow`` if one does, else None.

    ``resource`` None: the statements are of a role's trust policy, which names none.
    """
    effects = {
        one["Effect"]
        for one in statements
        if _concerns(one, "Action", action.lower(), {}, fold=True)
        and (resource is None or _concerns(one, "Resource", resource, context))
        and _conditions_hold(one.get("Condition", {}), context)
    }
    return "Deny" if "Deny" in effects else "Allow" if effects else None


def _concerns(statement: Mapping[str, Any], element: str, value: str, context: Context, fold: bool = False) -> bool:
    negated = f"Not{element}" in statement
    patterns = several(statement[f"Not{element}" if negated else element])
    return negated != any(_like(pattern.lower() if fold else pattern, value, context) for pattern in patterns)


@dataclasses.dataclass(frozen=True)
class _Operator:
    """A condition operator without its ``Not``."""

    wildcards: bool = False
    fold: bool = False


_OPERATORS = {
    "StringEquals": _Operator(),
    "StringEqualsIgnoreCase": _Operator(fold=True),
    "StringLike": _Operator(wildcards=True),
    "ArnEquals": _Operator(wildcards=True),
    "ArnLike": _Operator(wildcards=True),
    "Bool": _Operator(fold=True),
}


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    return all(
        _condition_holds(operator, context.get(key.lower()), several(wanted), context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _condition_holds(name: str, values: Optional[tuple[str, ...]], wanted: tuple[str, ...], context: Context) -> bool:
    if name == "Null":
        return (values is None) == (wanted == ("true",))
    quantifier, _colon, name = name.rpartition(":")
    if name.endswith("IfExists"):
        name = name[: -len("IfExists")]
        if values is None:
            return True
    negated = "Not" in name
    operator = _OPERATORS.get(name.replace("Not", ""))
    if operator is None:
        raise NotImplementedError(f"the cloud does not know the condition operator {name}")
    if values is None:
        return quantifier == "ForAllValues" or (negated and not quantifier)

    def fits(value: str) -> bool:
        for pattern in wanted:
            if operator.fold:
                pattern, value = pattern.lower(), value.lower()
            if _like(pattern, value, context) if operator.wildcards else _filled(pattern, context) == value:
                return not negated
        return negated

    return all(map(fits, values)) if quantifier == "ForAllValues" else any(map(fits, values))


def _like(pattern: str, value: str, context: Context) -> bool:
    filled = _filled(pattern, context)
    if filled is None:
        return False
    regex = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in filled)
    return re.fullmatch(regex, value, re.DOTALL) is not None


def _filled(pattern: str, context: Context) -> Optional[str]:
    """A pattern with its policy variables replaced; None if one of them is unknown, which matches nothing."""
    names = re.findall(r"\$\{([^}]+)\}", pattern)
    if any(name.lower() not in context for name in names):
        return None
    return re.sub(r"\$\{([^}]+)\}", lambda match: context[match[1].lower()][0], pattern)


def statements_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A policy's statements, which it may give as a list or as one."""
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def several(value: Any) -> tuple[str, ...]:
    """The strings of an element that may hold one or a list."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in values)
