import Foundation
import Synchronization

/// Adds up the gradients of all processes, in buckets: while the reverse pass goes on, if the group
/// has a second way for messages.
///
/// Buckets are filled from the last parameter to the first, as the reverse pass reaches them, and
/// sent in this order by one thread. Element by element the sum is the same whatever the buckets.
package final class GradientSum {
  /// What is sent at once: 1 MB first, so that sending begins early, then 16 MB.
  private static let (firstSize, size) = (1 << 18, 1 << 22)

  private let group: ProcessGroup
  private let precision: MessagePrecision
  private let buckets: [Bucket]
  private let bucketOfParameter: [ObjectIdentifier: Int]
  private let sender: BucketSender?
  private var waiting: [Int] = []
  private var nextBucket = 0

  /// A sum of the gradients of `parameters`.
  ///
  /// - Parameters:
  ///   - parameters: The same ones on each process, in the same order.
  ///   - group: The processes.
  ///   - precision: How gradients travel.
  ///   - overlaps: Whether they travel while the reverse pass goes on.
  package init(
    _ parameters: [Parameter], over group: ProcessGroup, precision: MessagePrecision = .float32,
    overlaps: Bool = true
  ) {
    self.group = group
    self.precision = precision
    buckets = Self.buckets(parameters)
    bucketOfParameter = Dictionary(
      uniqueKeysWithValues: buckets.enumerated().flatMap { index, bucket in
        bucket.parameters.map { (ObjectIdentifier($0), index) }
      })
    sender = overlaps && !group.isSingle ? BucketSender(group, precision) : nil
    begin()
  }

  private static func buckets(_ parameters: [Parameter]) -> [Bucket] {
    var (parts, count): ([[Parameter]], Int) = ([[]], 0)
    for parameter in parameters.reversed() {
      let limit = parts.count == 1 ? firstSize : size
      if count > 0, count + parameter.shape.elementCount > limit {
        parts.append([])
        count = 0
      }
      parts[parts.count - 1].append(parameter)
      count += parameter.shape.elementCount
    }
    return parts.filter { !$0.isEmpty }.map(Bucket.init)
  }

  private func begin() {
    waiting = buckets.map(\.parameters.count)
    nextBucket = 0
  }

  /// The gradient of a parameter is complete; the whole bucket is sent if it was the last one.
  package func ready(_ parameter: Parameter) {
    guard sender != nil, let index = bucketOfParameter[ObjectIdentifier(parameter)] else {
      return
    }
    waiting[index] -= 1
    while nextBucket < buckets.count, waiting[nextBucket] == 0 { send() }
  }

  private func send() {
    let bucket = buckets[nextBucket]
    nextBucket += 1
    bucket.fill()
    if let sender {
      sender.add(bucket.values)
    } else {
      group.sum(bucket.values, precision: precision)
    }
  }

  /// Waits until each gradient is the sum of all processes' ones. Parameters without one have none
  /// on any.
  package func finish() {
    guard !group.isSingle else { return }
    while nextBucket < buckets.count { send() }
    sender?.wait()
    buckets.forEach { $0.empty() }
    begin()
  }
}

/// Some parameters, and their gradients behind each other.
private final class Bucket {
  let parameters: [Parameter]
  let values: UnsafeMutableBufferPointer<Float>

  init(_ parameters: [Parameter]) {
    self.parameters = parameters
    values = .allocate(capacity: parameters.reduce(0) { $0 + $1.shape.elementCount })
  }

  deinit { values.deallocate() }

  func fill() {
    forEachPart { parameter, part in
      if let gradient = parameter.gradient {
        gradient.withUnsafeBufferPointer { _ = part.update(fromContentsOf: $0) }
      } else {
        part.update(repeating: 0)
      }
    }
  }

  func empty() {
    forEachPart { parameter, part in
      guard parameter.gradient != nil else { return }
      parameter.gradient = Tensor(shape: parameter.shape) {
        _ = $0.update(fromContentsOf: part)
      }
    }
  }

  private func forEachPart(_ body: (Parameter, UnsafeMutableBufferPointer<Float>) -> Void) {
    var start = 0
    for parameter in parameters {
      let count = parameter.shape.elementCount
      body(parameter, UnsafeMutableBufferPointer(rebasing: values[start..<start + count]))
      start += count
    }
  }
}

/// The thread that sends buckets in the order in which they are added.
///
/// A bucket is this thread's until `wait()` returns.
private final class BucketSender: Sendable {
  private let queue = Queue()

  /// Nil if the group has no second way.
  init?(_ group: ProcessGroup, _ precision: MessagePrecision) {
    guard let second = group.makeSecond() else { return nil }
    let started = startThread(named: "gradients", stackSize: 1 << 20) { [queue] in
      while let values = queue.next() {
        second.sum(values, precision: precision)
        queue.done()
      }
    }
    precondition(started, "the system has no thread left to send gradients")
  }

  deinit { queue.stop() }

  func add(_ values: UnsafeMutableBufferPointer<Float>) { queue.add(values) }

  func wait() { queue.wait() }

  // Unchecked: `condition` guards everything.
  private final class Queue: @unchecked Sendable {
    private let condition = NSCondition()
    private var values: [UnsafeMutableBufferPointer<Float>] = []
    private var unfinished = 0
    private var isStopped = false

    private func locked<Result>(_ body: () -> Result) -> Result {
      condition.lock()
      defer {
        condition.broadcast()
        condition.unlock()
      }
      return body()
    }

    func add(_ bucket: UnsafeMutableBufferPointer<Float>) {
      locked {
        values.append(bucket)
        unfinished += 1
      }
    }

    func next() -> UnsafeMutableBufferPointer<Float>? {
      locked {
        while values.isEmpty && !isStopped { condition.wait() }
        return values.isEmpty ? nil : values.removeFirst()
      }
    }

    func done() { locked { unfinished -= 1 } }

    func wait() { locked { while unfinished > 0 { condition.wait() } } }

    func stop() { locked { isStopped = true } }
  }
}
