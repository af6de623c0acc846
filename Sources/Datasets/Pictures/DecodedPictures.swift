import Files
import Images
import Synchronization
import Tensor

/// The images of a folder's pictures, all decoded, of 8 or 16 bits.
struct DecodedPictures<Sample: PixelSample> {
  /// The images that could be decoded, one after the other.
  let samples: [Sample]
  /// Their positions among the pictures.
  let kept: [Int]
  /// The positions of the others, and why.
  let failures: [(index: Int, error: FileError)]
  /// How many images show a background through transparent pixels.
  let transparentCount: Int

  init(
    samples: [Sample], of count: Int, failures: [(index: Int, error: FileError)],
    transparentCount: Int
  ) {
    let leftOut = Set(failures.map(\.index))
    (self.samples, self.failures, self.transparentCount) = (samples, failures, transparentCount)
    kept = (0..<count).filter { !leftOut.contains($0) }
  }

  /// Decodes all pictures on all threads.
  init(
    _ contents: FolderContents, to format: ImageFormat,
    progress: (@Sendable (_ decoded: Int) -> Void)?
  ) throws {
    let (count, length) = (contents.count, format.shape.elementCount)
    let failures = Mutex<[Int: FileError]>([:])
    let decodedCount = Atomic(0)
    let transparentCount = Atomic(0)
    var samples = [Sample](unsafeUninitializedCapacity: count * length) { out, written in
      // Unsafe: each block writes the rows of its own range.
      nonisolated(unsafe) let out = out
      Parallel.forRanges(count, grain: 1) { range in
        for row in range {
          let image = UnsafeMutableBufferPointer(rebasing: out[row * length..<(row + 1) * length])
          do {
            if try format.render(contents.path(row), into: image) {
              transparentCount.add(1, ordering: .relaxed)
            }
          } catch {
            image.initialize(repeating: 0)
            let error = FileError(error, at: "\(contents.path(row))")
            failures.withLock { $0[row] = error }
          }
          progress?(decodedCount.add(1, ordering: .relaxed).newValue)
        }
      }
      written = count * length
    }
    let sorted = failures.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0, $1) }
    Memory.releaseUnused()
    let leftOut = Set(sorted.map(\.0))
    samples.moveParts((0..<count).filter { !leftOut.contains($0) }, of: length)
    self.init(
      samples: samples, of: count, failures: sorted,
      transparentCount: transparentCount.load(ordering: .relaxed))
  }
}

extension Array where Element: PixelSample {
  /// Keeps some parts of `length` numbers each, in increasing order, in the place where they are.
  fileprivate mutating func moveParts(_ kept: [Int], of length: Int) {
    guard kept.count * length < count else { return }
    withUnsafeMutableBufferPointer { samples in
      guard let start = samples.baseAddress else { return }
      for (place, part) in kept.enumerated() where place != part {
        (start + place * length).update(from: start + part * length, count: length)
      }
    }
    removeLast(count - kept.count * length)
  }
}
