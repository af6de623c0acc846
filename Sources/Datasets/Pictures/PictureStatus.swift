import Files
import Foundation
import Synchronization
import Tensor

/// What the system says of a picture's file: it is taken for the same as long as this is.
struct PictureStatus: Hashable {
  let byteCount: Int
  let seconds: Int
  let nanoseconds: Int

  init(byteCount: Int, seconds: Int, nanoseconds: Int) {
    (self.byteCount, self.seconds, self.nanoseconds) = (byteCount, seconds, nanoseconds)
  }

  /// The status of a file; nil if there is none. One without rights has a status all the same.
  init?(of path: RawPath) {
    var status = stat()
    guard path.withCString({ stat($0, &status) }) == 0 else { return nil }
    self.init(
      byteCount: Int(status.st_size), seconds: status.st_mtim.tv_sec,
      nanoseconds: status.st_mtim.tv_nsec)
  }
}

/// The statuses of a folder's pictures, asked for once: over a network each takes its time.
final class PictureStatuses: Sendable {
  private let all = Mutex<[PictureStatus?]?>(nil)

  /// The statuses of `count` pictures; asks on all threads the first time.
  func callAsFunction(_ count: Int, path: (Int) -> RawPath) -> [PictureStatus?] {
    all.withLock { all in
      if let all { return all }
      let found = [PictureStatus?](unsafeUninitializedCapacity: count) { out, written in
        // Unsafe: each block writes the statuses of its own range, and `path` only reads.
        nonisolated(unsafe) let (out, path) = (out, path)
        Parallel.forRanges(count, grain: 64) { range in
          for index in range {
            out.initializeElement(at: index, to: PictureStatus(of: path(index)))
          }
        }
        written = count
      }
      all = found
      return found
    }
  }
}
