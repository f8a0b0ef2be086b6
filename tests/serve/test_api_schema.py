"""Requests drawn from the API's own schema, right and wrong ones: each gets an answer that the schema has."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just([]) | st.just({"x": 1})
)
NEAR: dict[Any, st.SearchStrategy[Any]] = {
    "integer": st.integers(0, 300),
    "number": st.floats(0, 6) | st.floats(width=32),
    "string": st.text(max_size=30),
}


def values(schema: dict[str, Any], parts: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw what a schema allows, or nearly so: limits of numbers and lengths are not kept."""
    if "$ref" in schema:
        return values(parts[schema["$ref"].rpartition("/")[2]], parts)
    if "anyOf" in schema:
        return st.one_of(*(values(one, parts) for one in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "object":
        fields = {name: values(one, parts) for name, one in schema["properties"].items()}
        needed = {name: fields.pop(name) for name in schema.get("required", [])}
        return st.fixed_dictionaries(needed, optional=fields)
    if kind == "array":
        return st.lists(values(schema.get("items", {}) or schema.get("prefixItems", [{}])[0], parts), max_size=4)
    return st.none() if kind == "null" else st.one_of(NEAR[kind], NEAR[kind], ODD)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_breaks_the_server(client: Client, data: st.DataObject) -> None:
    schema = client.get("/openapi.json").json()
    path, method = data.draw(st.sampled_from([(path, way) for path, ways in schema["paths"].items() for way in ways]))
    operation = schema["paths"][path][method]
    parts = schema["components"]["schemas"]
    asked = {one["name"]: data.draw(values(one["schema"], parts)) for one in operation.get("parameters", [])}
    content = operation.get("requestBody", {}).get("content", {})
    sent: dict[str, Any] = {}
    if "application/json" in content:
        body = json.dumps(data.draw(values(content["application/json"]["schema"], parts)))  # NaN and all
        sent = {"content": body, "headers": {"Content-Type": "application/json"}}
    elif content:
        sent = {"content": data.draw(st.binary(max_size=200)), "headers": {"Content-Type": "application/octet-stream"}}
    address = path.format(**{name: quote(str(value), safe="") for name, value in asked.items()})
    answer = client.request(method, address, params=asked, **sent)
    assert str(answer.status_code) in operation["responses"]
    if answer.status_code != 200:
        assert answer.json()["message"]
