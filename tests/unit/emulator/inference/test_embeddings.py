"""Embeddings: lengths, encodings, and that the same text is the same vector."""

from __future__ import annotations

import base64
import math
import struct

import pytest


@pytest.fixture(scope="module", autouse=True)
def _endpoints(client, external):
    client.serve("ada", external("ada", "embeddings", "text-embedding-ada-002"))
    client.serve("large", external("large", "embeddings", "text-embedding-3-large"))


def vectors(answer):
    assert answer.status == 200, answer.content
    return [row["embedding"] for row in answer.json["data"]]


def test_an_answer_has_the_shape_of_the_public_tutorials(client):
    answer = client.query("ada", {"input": ["embedding text"]}).json
    answer["data"][0].pop("embedding")
    assert answer == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0}],
        "model": "text-embedding-ada-002",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


LENGTHS = [
    ("text-embedding-ada-002", 1536),
    ("text-embedding-3-large", 3072),
    ("text-embedding-3-small", 1536),
    ("gte-large-en", 1024),
    ("bge-large-en", 1024),
    ("embed-english-v3.0", 1024),
    ("embed-english-light-v3.0", 384),
    ("titan-embed-text-v2:0", 1024),
    ("amazon.titan-embed-text-v1", 1536),
    ("titan-embed-g1-text-02", 1536),
    ("a-model-that-is-not-known", 1024),
]


@pytest.mark.parametrize(("model", "length"), LENGTHS)
def test_vectors_are_as_long_as_those_of_the_model(client, external, model, length):
    name = "length-" + "".join(sign if sign.isalnum() else "-" for sign in model)
    client.serve(name, external("e", "embeddings", model))
    (vector,) = vectors(client.query(name, {"input": "x"}))
    assert len(vector) == length


def test_the_pay_per_token_model_has_its_real_length(client):
    (vector,) = vectors(client.query("databricks-gte-large-en", {"input": "x"}))
    assert len(vector) == 1024


def test_vectors_have_the_length_one(client):
    (vector,) = vectors(client.query("ada", {"input": "Embed this sentence!"}))
    assert math.isclose(math.hypot(*vector), 1, rel_tol=1e-5)


def test_the_same_text_is_the_same_vector_wherever_it_stands(client):
    first, second, third = vectors(client.query("ada", {"input": ["a", "b", "a"]}))
    (alone,) = vectors(client.query("ada", {"input": "a"}))
    assert first == third == alone
    assert first != second


def test_both_encodings_hold_the_same_numbers(client):
    (floats,) = vectors(client.query("ada", {"input": "x", "encoding_format": "float"}))
    (text,) = vectors(client.query("ada", {"input": "x", "encoding_format": "base64"}))
    assert list(struct.unpack("<1536f", base64.b64decode(text))) == floats


def test_fewer_dimensions_can_be_asked_for(client):
    (vector,) = vectors(client.query("large", {"input": "x", "dimensions": 256}))
    assert len(vector) == 256
    assert math.isclose(math.hypot(*vector), 1, rel_tol=1e-5)


TOKENS = [
    pytest.param([1, 2, 3], 1, id="one list of token numbers"),
    pytest.param([[1, 2], [3]], 2, id="two lists of token numbers"),
]


@pytest.mark.parametrize(("given", "count"), TOKENS)
def test_token_numbers_are_inputs_too(client, given, count):
    assert len(vectors(client.query("ada", {"input": given}))) == count


WRONG = [
    pytest.param({}, "BAD_REQUEST", id="no input"),
    pytest.param({"input": []}, "BAD_REQUEST", id="an empty list"),
    pytest.param({"input": {"a": 1}}, "BAD_REQUEST", id="an object"),
    pytest.param({"input": ["a", 1]}, "INVALID_PARAMETER_VALUE", id="texts and numbers mixed"),
    pytest.param(
        {"input": "a", "encoding_format": "hex"}, "INVALID_PARAMETER_VALUE", id="no such encoding"
    ),
    pytest.param(
        {"input": "a", "dimensions": 1537}, "INVALID_PARAMETER_VALUE", id="too many dimensions"
    ),
    pytest.param(
        {"input": "a", "dimensions": "2"}, "INVALID_PARAMETER_VALUE", id="dimensions as text"
    ),
]


@pytest.mark.parametrize(("body", "code"), WRONG)
def test_what_is_no_embeddings_query_is_refused(client, body, code):
    answer = client.query("ada", body)
    assert (answer.status, answer.json["error_code"]) == (400, code)
