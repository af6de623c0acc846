import Foundation

/// Bounds the memory of all pictures that are decoded at one time, on all threads.
///
/// A picture at the limit of pixels takes 0.7 GB, and each thread may have one. A picture waits
/// until those before it have left room; one that is larger than all the room waits to be alone.
final class DecodingMemory: @unchecked Sendable {  // Unchecked: `taken` is used under the lock.
  /// Room for one PNG picture at the limit, or for eight of 24 megapixels.
  static let shared = DecodingMemory(capacity: 768 << 20)

  private let capacity: Int
  private let condition = NSCondition()
  private var taken = 0

  init(capacity: Int) { self.capacity = capacity }

  /// Room for a picture, until the permit is freed. Waits for it; a thread may hold one at a time.
  func permit(for byteCount: Int) -> Permit {
    let count = min(byteCount, capacity)
    condition.withLock {
      while taken + count > capacity { condition.wait() }
      taken += count
    }
    return Permit(count, in: self)
  }

  private func giveBack(_ count: Int) {
    condition.withLock {
      taken -= count
      condition.broadcast()
    }
  }

  /// Room that is taken as long as this lives.
  final class Permit: Sendable {
    private let count: Int
    private let memory: DecodingMemory

    fileprivate init(_ count: Int, in memory: DecodingMemory) {
      (self.count, self.memory) = (count, memory)
    }

    deinit { memory.giveBack(count) }
  }
}
