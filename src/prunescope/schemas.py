"""Checks of data by a JSON schema, with messages that name the key and what is allowed."""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from prunescope.errors import InputError, known


def violation(data: Any, schema: Mapping[str, Any]) -> str:
    """The clearest violation of a schema, in one line; "" if the data hold to it."""
    error = best_match(Draft202012Validator(schema).iter_errors(data))
    return _explain(error) if error else ""


def _explain(error: ValidationError) -> str:
    """One line for a violation: the key, the problem, and what the key means."""
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
    where = f"{where.lstrip('.')}: " if where else ""
    if error.validator == "additionalProperties":
        allowed = list(error.schema["properties"])
        wrong = next(key for key in error.instance if key not in allowed)
        try:
            known(wrong, allowed, f"{where}key")
        except InputError as unknown:
            return str(unknown)
    description = error.schema.get("description")
    return f"{where}{error.message}" + (f" ({description})" if description else "")
