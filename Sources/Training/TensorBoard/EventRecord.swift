import Files
import Tensor

/// An entry of an event file: TensorFlow's message `Event`, as far as a training has use for it.
struct EventRecord {
  /// What an event says.
  enum Content {
    /// How the file is to be read; its first event.
    case fileVersion(String)
    /// A training begins or goes on at the event's step: what the directory has of that step and
    /// later ones is out of date. TensorBoard heeds the second such event of a directory, and those
    /// after it.
    case start
    /// Numbers and pictures.
    case summary([Value])
  }

  /// A number or a picture under a tag.
  enum Value {
    case scalar(tag: String, Float)
    case picture(tag: String, size: Size2D, png: [UInt8])
  }

  /// In seconds since 1970.
  let time: Double
  let step: Int
  let content: Content

  /// The message. The numbers are those of the fields in event.proto and summary.proto.
  var message: ProtobufMessage {
    var event = ProtobufMessage()
    event.add(1, time)
    // Zero is what a field that is left out has.
    if step != 0 { event.add(2, step) }
    switch content {
    case .fileVersion(let version): event.add(3, version)
    case .summary(let values):
      var summary = ProtobufMessage()
      for value in values { summary.add(1, value.message) }
      event.add(5, summary)
    case .start:
      var log = ProtobufMessage()
      let start = 1
      log.add(1, start)
      event.add(7, log)
    }
    return event
  }
}

extension EventRecord.Value {
  /// The message `Summary.Value`.
  fileprivate var message: ProtobufMessage {
    var message = ProtobufMessage()
    switch self {
    case .scalar(let tag, let number):
      message.add(1, tag)
      message.add(2, number)
    case .picture(let tag, let size, let png):
      let colors = 3
      var picture = ProtobufMessage()
      picture.add(1, size.height)
      picture.add(2, size.width)
      picture.add(3, colors)
      picture.add(4, png)
      message.add(1, tag)
      message.add(4, picture)
    }
    return message
  }
}
