import Foundation
import Synchronization

/// Keeps the blocks that tensors free, by size class, for the next step.
///
/// A fresh 32 MB block costs 12 ms in page faults, a kept one none. So nothing returns to the
/// system until ``Memory/releaseUnused()``.
final class BufferPool: Sendable {
  static let shared = BufferPool()

  struct Block: @unchecked Sendable {  // Unchecked: a block has one owner at a time.
    let pointer: UnsafeMutablePointer<Float>
    let byteCount: Int
  }

  private struct State: Sendable {
    var free: [Int: [Block]] = [:]
    var liveCount = 0
    var liveBytes = 0
    var freeBytes = 0
  }

  private let state = Mutex(State())

  func take(_ elementCount: Int) -> Block {
    let byteCount = Self.sizeClass(elementCount * MemoryLayout<Float>.stride)
    let kept = state.withLock { state -> Block? in
      state.liveCount += 1
      state.liveBytes += byteCount
      guard let block = state.free[byteCount]?.popLast() else { return nil }
      state.freeBytes -= byteCount
      return block
    }
    return kept ?? allocate(byteCount)
  }

  private func allocate(_ byteCount: Int) -> Block {
    if let block = Self.block(of: byteCount) { return block }
    // What the pool keeps for later is worth less than what is needed now.
    releaseUnused()
    guard let block = Self.block(of: byteCount) else {
      fatalError("Tensor needs \(byteCount) bytes of memory and the system has none left")
    }
    return block
  }

  func give(_ block: Block) {
    state.withLock { state in
      state.liveCount -= 1
      state.liveBytes -= block.byteCount
      state.freeBytes += block.byteCount
      state.free[block.byteCount, default: []].append(block)
    }
  }

  func releaseUnused() {
    let blocks = state.withLock { state in
      defer {
        state.free = [:]
        state.freeBytes = 0
      }
      return state.free.values.flatMap { $0 }
    }
    for block in blocks { free(block.pointer) }
  }

  var usage: Memory.Usage {
    state.withLock {
      Memory.Usage(storages: $0.liveCount, liveBytes: $0.liveBytes, keptBytes: $0.freeBytes)
    }
  }

  /// Rounds up to a multiple of 64 bytes, and to eight classes for each power of two, so that at
  /// most an eighth is wasted above 512 bytes and blocks of like size are interchangeable.
  static func sizeClass(_ byteCount: Int) -> Int {
    if byteCount <= 64 { return 64 }
    let step = max(64, 1 << (Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount - 3))
    return (byteCount + step - 1) / step * step
  }

  /// A block from the system; nil if it has none left.
  private static func block(of byteCount: Int) -> Block? {
    let hugePage = 2 << 20
    let isLarge = byteCount >= hugePage
    var raw: UnsafeMutableRawPointer?
    let status = posix_memalign(&raw, isLarge ? hugePage : 64, byteCount)
    guard status == 0, let raw else { return nil }
    #if os(Linux)
      // 14 is MADV_HUGEPAGE, which the Glibc overlay lacks. It is advice: a refusal is no error.
      if isLarge { madvise(raw, byteCount, 14) }
    #endif
    return Block(pointer: raw.assumingMemoryBound(to: Float.self), byteCount: byteCount)
  }
}
