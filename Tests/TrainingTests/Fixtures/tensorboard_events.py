"""Writes tensorboard-events.json: events and records as TensorBoard's own classes make them.

pip install tensorboard; python tensorboard_events.py
"""

import io
import json
import pathlib

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Kept(io.BytesIO):
    """A file whose bytes outlast its end."""

    def close(self):
        pass


def record(message):
    file = Kept()
    RecordWriter(file).write(message)
    return file.getvalue()


picture = Summary.Image(height=2, width=300, colorspace=3, encoded_image_string=bytes(range(200)))
events = {
    "version": Event(wall_time=1.5, file_version="brain.Event:2"),
    "start": Event(wall_time=2.25, step=41, session_log=SessionLog(status=SessionLog.START)),
    "numbers": Event(
        wall_time=1.7e9 + 0.1,
        step=300,
        summary=Summary(
            value=[
                Summary.Value(tag="train/loss", simple_value=0.1),
                Summary.Value(tag="method/größe", simple_value=0.0),
                Summary.Value(tag="evaluation/knn", simple_value=float("inf")),
            ]
        ),
    ),
    "picture": Event(wall_time=3, summary=Summary(value=[Summary.Value(tag="views", image=picture)])),
    "long": Event(wall_time=4, step=(1 << 40) + 5, file_version=""),
}
fixture = {
    name: {"message": event.SerializeToString().hex(), "record": record(event.SerializeToString()).hex()}
    for name, event in events.items()
}
path = pathlib.Path(__file__).with_name("tensorboard-events.json")
path.write_text(json.dumps(fixture, indent=1) + "\n")
