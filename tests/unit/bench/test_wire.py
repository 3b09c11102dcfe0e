"""The recorded session: what is put aside of a frame, and nothing else."""

from tests.bench.wire import masked


def test_milliseconds_ports_and_digests_are_put_aside() -> None:
    frame = '{"type":"STREAM_END","id":3,"url":"http://127.0.0.1:41233/","timings":{"headers_ms":17,"total_ms":40}}'
    other = frame.replace("41233", "8080").replace("17", "2").replace("40}", "9}")
    assert masked(frame) == masked(other)
    assert masked('{"digest":"a1b2"}') == masked('{"digest":"ffff"}')


def test_everything_else_counts() -> None:
    frame = '{"type":"STREAM_END","id":3,"bytes":9,"timings":{"headers_ms":17}}'
    assert masked(frame) != masked(frame.replace('"bytes":9', '"bytes":8'))
    assert masked(frame) != masked(frame.replace("headers_ms", "first_byte_ms"))
    assert masked(frame) != masked(frame.replace('"id":3', '"id":4'))
