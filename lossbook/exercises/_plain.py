"""Results as plain data, and whether what a child sent is one: an answer can write to the pipe too."""

import json
import math
from typing import Any

Plain = dict[str, Any]  # what json can carry
TEXTS = ("forbidden", "nosy", "state", "changed", "printed")
LARGEST = 10**5  # entries that are sent; a larger result has the wrong shape


def read(lines: list[bytes], most: int) -> list[Plain] | None:
    """Read the lines of a child; None where they are not what the judge's own part of it sends."""
    try:
        found = [json.loads(line) for line in lines]
    except ValueError:
        return None
    results = found[:-1] if found and found[-1] in ({"done": True}, {"no fork": True}) else found
    return found if len(results) <= most and all(map(_is_result, results)) else None


def _is_result(plain: Any) -> bool:
    if not isinstance(plain, dict) or not any(
        key in plain for key in ("value", "raised", "forbidden", "nosy", "state")
    ):
        return False
    return (
        all(isinstance(plain.get(key, ""), str) for key in TEXTS)
        and _is_value(plain.get("value", {"said": ""}))
        and all(_is_error(plain[key]) for key in ("raised", "gradients_raised") if key in plain)
        and ("gradients" not in plain or ("graph" in plain and _are_gradients(plain["gradients"])))
    )


def _is_value(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if "items" in value:
        return isinstance(value["items"], list) and all(map(_is_value, value["items"]))
    if "dtype" not in value:
        return isinstance(value.get("said"), str)
    shape, data = value.get("shape"), value.get("data")
    if not isinstance(value["dtype"], str) or not isinstance(shape, list):
        return False
    if not all(isinstance(size, int) for size in shape):
        return False
    entries = math.prod(int(size) for size in shape)
    return data is None or (len(data) == entries and all(isinstance(number, float) for number in data))


def _is_error(error: Any) -> bool:
    return isinstance(error, dict) and all(isinstance(error.get(key), str) for key in ("kind", "text"))


def _are_gradients(steps: Any) -> bool:
    return isinstance(steps, list) and all(
        isinstance(step, dict) and all(isinstance(each, list) and all(map(_is_value, each)) for each in step.values())
        for step in steps
    )
