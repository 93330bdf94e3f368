"""As much of JSON Schema (draft 2020-12) as the schema of graphs uses."""

import json

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
KNOWN = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "properties", "required", "items", "minItems"),
    *("minimum", "enum", "const", "anyOf"),
}


def is_of_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def faults(value, schema, root=None, place="$"):
    """What is wrong with `value`, a line each."""
    root = schema if root is None else root
    assert set(schema) <= KNOWN, f"this check knows nothing of {set(schema) - KNOWN}"
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return faults(value, target, root, place)
    if "anyOf" in schema and all(faults(value, option, root, place) for option in schema["anyOf"]):
        return [f"{place}: {value!r} is none of what it may be"]
    if "const" in schema and value != schema["const"]:
        return [f"{place}: {value!r} is not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place}: {value!r} is not one of {schema['enum']}"]
    names = schema.get("type", list(TYPES))
    if not any(is_of_type(value, name) for name in ([names] if isinstance(names, str) else names)):
        return [f"{place}: {value!r} is no {names}"]
    found = []
    if isinstance(value, (int, float)) and "minimum" in schema and value < schema["minimum"]:
        found.append(f"{place}: {value!r} is below {schema['minimum']}")
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            found.append(f"{place}: has {len(value)} items")
        for index, item in enumerate(value):
            found += faults(item, schema.get("items", {}), root, f"{place}[{index}]")
    if isinstance(value, dict):
        found += [f"{place}: has no {name!r}" for name in schema.get("required", ()) if name not in value]
        for name, item in value.items():
            found += faults(item, schema.get("properties", {}).get(name, {}), root, f"{place}.{name}")
    return found


def is_plain(value):
    """Whether a value is made of exactly what JSON has."""
    if isinstance(value, dict):
        return type(value) is dict and all(type(key) is str and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return type(value) is list and all(map(is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def strictly(text):
    """Read JSON; NaN and Infinity, which Python would take, are none."""

    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)
