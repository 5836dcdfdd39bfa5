"""Documents inside traces: whatever is in the string, it is read or refused in one line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.source.xray import traces
from k8s.errors import UsageError
from tests.analysis.graphs import call, port, trace

GOOD = trace(*call("ui-1", "catalog-1", port(41000)))
TEXT = GOOD["Segments"][1]["Document"]


def with_document(text: str) -> dict[str, object]:
    return {"Id": "1-a", "Segments": [GOOD["Segments"][0], {"Document": text}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "trace 2 of the sample, document 2: Input data was truncated"),
        ("[]", "Expected `object`, got `array`"),
        ('{"metadata": {"a": ' + "[" * 100_000, "nested too deeply"),
        ('{"subsegments": ' * 100_000, "nested too deeply|Expected `array"),
        ('{"id": 5}', r"Expected `str \| null`, got `int` - at `\$\.id`"),
        ('{"start_time": 1e39}', "Expected `float` <= 253402300799"),
        ('{"start_time": -1}', "Expected `float` >= 0"),
        ('{"start_time": "now"}', "Expected `float"),
        ('{"aws": {"eks": []}}', r"at `\$\.aws\.eks`"),
        ('{"annotations": 1}', r"at `\$\.annotations`"),
    ],
)
def test_a_damaged_document_is_named(text: str, message: str):
    """Which trace, which document, which key, why."""
    with pytest.raises(UsageError, match=message) as caught:
        traces.sample([GOOD, with_document(text)])

    assert "\n" not in str(caught.value)


def test_what_a_program_adds_may_be_anything():
    """Attributes that are no object, or no port, say nothing of the connection."""
    for metadata in ({"default": 5}, {"default": {"network.peer.port": "41000"}}, {"other": []}, None):
        document = json.loads(TEXT) | {"metadata": metadata}
        (found,) = traces.sample([with_document(json.dumps(document))]).calls
        assert found.connection is None


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(TEXT) - 1), st.integers(1, 255), st.integers(0, len(TEXT)))
def test_a_byte_changed_or_an_end_cut_off_is_one_line_or_read(at: int, by: int, cut: int):
    """Any byte of it, any length."""
    data = bytearray(TEXT.encode())
    data[at] ^= by
    for text in (data.decode("latin-1"), TEXT[:cut]):
        try:
            traces.sample([with_document(text)])
        except UsageError as error:
            assert "trace 1 of the sample, document 2" in str(error)  # noqa: PT017 - most are read
