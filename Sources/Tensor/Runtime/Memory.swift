/// The memory that tensors hold.
public enum Memory {
  /// What the pool has handed out and what it keeps.
  public struct Usage: Sendable {
    /// The number of blocks that tensors hold now.
    public let storages: Int
    /// The bytes of those blocks.
    public let liveBytes: Int
    /// The bytes kept for reuse.
    public let keptBytes: Int
  }

  /// What tensors hold at this moment.
  public static var usage: Usage { BufferPool.shared.usage }

  /// Gives the blocks that no tensor uses back to the system.
  public static func releaseUnused() { BufferPool.shared.releaseUnused() }
}
